#include "phases.h"

#include <atomic>
#if defined(_WIN32)
#include <windows.h>
#else
#include <sched.h>
#include <time.h>
#endif

namespace biolord {
namespace {

struct Shared {
  const Phases* phases;
  std::atomic<int> next{0};
  std::atomic<int> done[kMaxPhases];
  std::atomic<int64_t> waited{0};  // nanoseconds, of all threads
};

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}
void give_way() {
#if defined(_WIN32)
  SwitchToThread();
#else
  sched_yield();
#endif
}

int64_t nanoseconds() {
#if defined(_WIN32)
  LARGE_INTEGER ticks, a_second;
  QueryPerformanceCounter(&ticks);
  QueryPerformanceFrequency(&a_second);
  return static_cast<int64_t>(static_cast<double>(ticks.QuadPart) * 1e9 / static_cast<double>(a_second.QuadPart));
#else
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
#endif
}

// Sharing a run between threads saves what the others do of it, and costs what is spent waiting for one that was taken
// off its core, by another program, in the middle of an item. While it costs more than it saves, runs keep to one thread
// for a while. Only time depends on this, not results; a race between runs that end at once loses an entry.
std::atomic<int64_t> balance{0};  // nanoseconds saved
std::atomic<int> runs_alone{0}, next_pause{0};
constexpr int64_t kMostBalance = 10000000;  // a scheduler's time slice or two: one hiccup changes nothing
constexpr int kFirstPause = 64, kMostPause = 2048;  // a query of 12 layers is 24 runs

bool alone() {
  const int left = runs_alone.load(std::memory_order_relaxed);
  if (left > 0) runs_alone.store(left - 1, std::memory_order_relaxed);
  return left > 0;
}
void enter(int64_t saved) {
  const int64_t sum = balance.load(std::memory_order_relaxed) + saved;
  if (sum >= kMostBalance) next_pause.store(kFirstPause, std::memory_order_relaxed);
  if (sum > -kMostBalance) return balance.store(sum < kMostBalance ? sum : kMostBalance, std::memory_order_relaxed);
  const int last = next_pause.load(std::memory_order_relaxed), pause = last < kFirstPause ? kFirstPause : last;
  next_pause.store(pause < kMostPause ? 2 * pause : kMostPause, std::memory_order_relaxed);
  runs_alone.store(pause, std::memory_order_relaxed);
  balance.store(0, std::memory_order_relaxed);
}

void wait_for(const std::atomic<int>& done, int items, std::atomic<int64_t>& waited) {
  constexpr int kTurns = 256, kPatience = 4000;  // an item is some microseconds of work
  int64_t began = 0;
  for (int turns = 0; done.load(std::memory_order_acquire) < items; turns++) {
    if (turns == kTurns) began = nanoseconds();
    if (turns < kPatience) pause();
    else give_way();  // to the one that is waited for: it may need this core
  }
  if (began) waited.fetch_add(nanoseconds() - began, std::memory_order_relaxed);
}

void work(void* argument, size_t) {
  Shared& shared = *static_cast<Shared*>(argument);
  const Phases& phases = *shared.phases;
  int phase = 0, first = 0;  // items are claimed in order, so a thread's phases only go up
  while (true) {
    const int claimed = shared.next.fetch_add(1, std::memory_order_relaxed);
    while (phase < phases.count && claimed >= first + phases.items[phase]) first += phases.items[phase++];
    if (phase == phases.count) return;
    if (phase) wait_for(shared.done[phase - 1], phases.items[phase - 1], shared.waited);
    phases.step(phases.task, phase, claimed - first);
    shared.done[phase].fetch_add(1, std::memory_order_release);
  }
}

}  // namespace

void run_phases(const Phases& phases, Workers& workers) {
  if (workers.threads <= 1 || alone()) {
    for (int p = 0; p < phases.count; p++)
      for (int i = 0; i < phases.items[p]; i++) phases.step(phases.task, p, i);
    return;
  }
  Shared shared;
  shared.phases = &phases;
  for (int p = 0; p < phases.count; p++) shared.done[p].store(0, std::memory_order_relaxed);
  const int64_t began = nanoseconds();
  workers.run(workers.context, work, static_cast<size_t>(workers.threads), &shared);
  work(&shared, 0);  // nothing is left, unless the workers could not be asked
  const int64_t others = workers.threads - 1, lost = shared.waited.load(std::memory_order_relaxed) / others;
  enter((nanoseconds() - began - lost) * others - lost);
}

}  // namespace biolord
