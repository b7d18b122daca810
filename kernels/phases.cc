#include "phases.h"

#include <atomic>
#if defined(_WIN32)
#include <windows.h>
#else
#include <sched.h>
#endif

namespace biolord {
namespace {

struct Shared {
  const Phases* phases;
  std::atomic<int> next{0};
  std::atomic<int> done[kMaxPhases];
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

// How many of the next runs keep to one thread, because the machine is busy: one that shares its core with another
// program is taken off it in the middle of an item now and then, and the others wait for milliseconds. Only time depends
// on this, not results.
std::atomic<int> runs_alone{0};
std::atomic<int> penalty{0};
constexpr int kFirstPenalty = 64, kMostPenalty = 8192;  // a query of 12 layers is 24 runs

void keep_alone() {
  const int last = penalty.load(std::memory_order_relaxed);
  const int next = last < kFirstPenalty ? kFirstPenalty : last < kMostPenalty ? 2 * last : kMostPenalty;
  penalty.store(next, std::memory_order_relaxed);
  runs_alone.store(next, std::memory_order_relaxed);
}
bool alone() {
  const int left = runs_alone.load(std::memory_order_relaxed);
  if (left > 0) runs_alone.store(left - 1, std::memory_order_relaxed);
  else if (const int last = penalty.load(std::memory_order_relaxed)) penalty.store(last - 1, std::memory_order_relaxed);
  return left > 0;
}

// An item is some microseconds of work; who holds it longer was descheduled, and may need this core.
void wait_for(const std::atomic<int>& done, int items) {
  constexpr int kPatience = 4000;
  int turns = 0;
  for (; done.load(std::memory_order_acquire) < items; turns++) {
    if (turns < kPatience) pause();
    else give_way();
  }
  if (turns > kPatience) keep_alone();
}

void work(void* argument, size_t) {
  Shared& shared = *static_cast<Shared*>(argument);
  const Phases& phases = *shared.phases;
  int phase = 0, first = 0;  // items are claimed in order, so a thread's phases only go up
  while (true) {
    const int claimed = shared.next.fetch_add(1, std::memory_order_relaxed);
    while (phase < phases.count && claimed >= first + phases.items[phase]) first += phases.items[phase++];
    if (phase == phases.count) return;
    if (phase) wait_for(shared.done[phase - 1], phases.items[phase - 1]);
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
  workers.run(workers.context, work, static_cast<size_t>(workers.threads), &shared);
  work(&shared, 0);  // nothing is left, unless the workers could not be asked
}

}  // namespace biolord
