#include "arena.h"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#if defined(_WIN32)
#include <malloc.h>
#elif defined(__linux__)
#include <sys/mman.h>
#endif

namespace biolord {
namespace {

struct Header {  // before the memory handed out
  size_t size;
};
constexpr size_t kAlignment = 4096, kHeader = 64;
// Sizes are doubled from here, so that a slightly longer text seldom needs another block: each leaves a hole in the
// heap. Pages that nothing touches cost nothing.
constexpr size_t kLeast = size_t{1} << 20;
// Blocks are kept by size: a piece of work takes several at once, and one that took another's would send it to the system
// for a new one, whose pages come as zeros. Larger ones go back at once.
constexpr int kSizes = 6, kSlots = 32;
std::atomic<Header*> slots[kSizes][kSlots];
std::atomic<int> users{0};

char* claim(size_t bytes) {
#if defined(_WIN32)
  return static_cast<char*>(_aligned_malloc(bytes, kAlignment));
#else
  constexpr size_t kHugePage = size_t{2} << 20;  // rows lie pages apart, and a walk down the tables of pages takes long
  void* memory = nullptr;
  if (posix_memalign(&memory, bytes < kHugePage ? kAlignment : kHugePage, bytes)) return nullptr;
#if defined(__linux__)
  if (bytes >= kHugePage) madvise(memory, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);  // or not: only time depends on it
#endif
  return static_cast<char*>(memory);
#endif
}
void release(void* memory) {
#if defined(_WIN32)
  _aligned_free(memory);
#else
  free(memory);
#endif
}
int place_of(size_t size) {
  int place = 0;
  while (kLeast << place < size) place++;
  return place;
}
Header* kept_block(int place) {
  for (auto& slot : slots[place])
    if (slot.load(std::memory_order_relaxed))
      if (Header* block = slot.exchange(nullptr, std::memory_order_acquire)) return block;
  return nullptr;
}
void keep(Header* block) {
  if (const int place = place_of(block->size); place < kSizes)
    for (auto& slot : slots[place]) {
      Header* none = nullptr;
      if (slot.compare_exchange_strong(none, block, std::memory_order_release, std::memory_order_relaxed)) return;
    }
  release(block);
}

}  // namespace

Arena::Arena(size_t bytes) : base_(nullptr), size_(0), used_(0) {
  const int place = place_of(bytes);
  Header* block = place < kSizes ? kept_block(place) : nullptr;
  if (!block) {
    const size_t size = place < kSizes ? kLeast << place : (bytes + kAlignment - 1) / kAlignment * kAlignment;
    block = reinterpret_cast<Header*>(claim(size + kAlignment));
    if (!block) return;
    block->size = size;
  }
  size_ = block->size;
  base_ = reinterpret_cast<char*>(block) + kHeader;
}
Arena::~Arena() {
  if (base_) keep(reinterpret_cast<Header*>(base_ - kHeader));
}

void arenas_user_came() { users.fetch_add(1); }
void arenas_user_left() {
  if (users.fetch_sub(1) == 1) arenas_release();
}
void arenas_release() {
  for (auto& size : slots)
    for (auto& slot : size)
      if (Header* block = slot.exchange(nullptr)) release(block);
}

}  // namespace biolord
