#include "arena.h"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#if defined(_WIN32)
#include <malloc.h>
#endif

namespace biolord {
namespace {

struct Header {  // before the memory handed out
  size_t size;
};
constexpr size_t kAlignment = 4096, kHeader = 64;
constexpr int kSlots = 64;
constexpr size_t kKept = size_t{32} << 20;  // larger blocks go back at once
// Sizes are doubled from here, so that a slightly longer text seldom needs another block: each leaves a hole in the
// heap. Pages that nothing touches cost nothing.
constexpr size_t kLeast = size_t{1} << 20;
std::atomic<Header*> slots[kSlots];
std::atomic<int> users{0};

char* claim(size_t bytes) {
#if defined(_WIN32)
  return static_cast<char*>(_aligned_malloc(bytes, kAlignment));
#else
  void* memory = nullptr;
  return posix_memalign(&memory, kAlignment, bytes) ? nullptr : static_cast<char*>(memory);
#endif
}
void release(void* memory) {
#if defined(_WIN32)
  _aligned_free(memory);
#else
  free(memory);
#endif
}
Header* kept_block() {
  for (auto& slot : slots)
    if (slot.load(std::memory_order_relaxed))
      if (Header* block = slot.exchange(nullptr, std::memory_order_acquire)) return block;
  return nullptr;
}
void keep(Header* block) {
  if (block->size <= kKept)
    for (auto& slot : slots) {
      Header* none = nullptr;
      if (slot.compare_exchange_strong(none, block, std::memory_order_release, std::memory_order_relaxed)) return;
    }
  release(block);
}

}  // namespace

Arena::Arena(size_t bytes) : base_(nullptr), size_(0), used_(0) {
  Header* block = kept_block();
  if (block && block->size < bytes) release(block), block = nullptr;
  if (!block) {
    size_t size = kLeast;
    while (size < bytes && size < kKept) size *= 2;
    if (size < bytes) size = (bytes + kAlignment - 1) / kAlignment * kAlignment;
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
  for (auto& slot : slots)
    if (Header* block = slot.exchange(nullptr)) release(block);
}

}  // namespace biolord
