// Work in phases: the items of a phase run in any order and at once, and a phase begins when the one before is done.
#pragma once
#include "kernels.h"

namespace biolord {

constexpr int kMaxPhases = 160;
struct Phases {
  void (*step)(void* task, int phase, int item);
  void* task;
  int count;
  int items[kMaxPhases];
};

// One hand-over to the workers for all phases: whoever comes claims items in order until none is left, so that a thread
// that never comes costs nothing.
void run_phases(const Phases& phases, Workers& workers);

}  // namespace biolord
