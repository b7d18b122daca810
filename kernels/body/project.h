// Rows to rows of another width, and rows normalized.
#pragma once
#include "body/attention/attention.h"

namespace {

struct ProjectWork {
  const biolord::ProjectTask& t;
  int tokens;  // the block
  Cut cut;
  const float* x;
  float* y;
  uint8_t* words;  // two rows for each token, as body/rows.h says
  Grid* grids;
  bool failed;
};

INLINE void project_part(ProjectWork& w, int n0, int n1) {
  const biolord::Linear linear = w.t.linear;
  const size_t bytes = products_room(linear);
  biolord::Arena arena(biolord::Arena::room<int8_t>(bytes));
  if (!arena.ok()) {
    w.failed = true;
    return;
  }
  const Outputs to = {linear, w.grids, w.y, linear.outputs, nullptr};
  put_products<Output::kWords>(w.words, 2 * w.tokens, n0, n1, arena.take<int8_t>(bytes), to);
}
static void project_step(void* task, int phase, int item) {
  ProjectWork& w = *static_cast<ProjectWork*>(task);
  const FloatMode mode;
  const int inputs = w.t.linear.inputs, outputs = w.t.linear.outputs;
  if (phase == 1) return project_part(w, item * w.cut.outputs_each(outputs), at_most(outputs, (item + 1) * w.cut.outputs_each(outputs)));
  alignas(64) float smooth[biolord::kMaxDim];
  for (int i = item * w.cut.rows_each(), to = at_most(w.tokens, i + w.cut.rows_each()); i < to; i++) {
    const Range seen = smooth_row(w.x + static_cast<size_t>(i) * inputs, inputs, w.t.smoothing, smooth);
    w.grids[i] = round_row_twice(smooth, inputs, seen, w.words, i);
  }
}
static bool project(const biolord::ProjectTask& t, biolord::Workers& workers) {
  const int size = round_up(block_tokens(t.tokens), 32), threads = threads_for(t.tokens, workers), inputs = t.linear.inputs;
  biolord::Workers crew = workers;
  crew.threads = threads;
  for (int first = 0; first < t.tokens; first += size) {
    const int tokens = at_most(size, t.tokens - first);
    using biolord::Arena;
    Arena arena(Arena::room<uint8_t>(tiles_room(2 * tokens, inputs)) + Arena::room<Grid>(tokens));
    if (!arena.ok()) return false;
    ProjectWork w = {t, tokens, {tokens, threads}, t.x + static_cast<size_t>(first) * inputs,
                     t.y + static_cast<size_t>(first) * t.linear.outputs, arena.take<uint8_t>(tiles_room(2 * tokens, inputs)),
                     arena.take<Grid>(tokens), false};
    const biolord::Phases phases = {project_step, &w, 2, {w.cut.row_items(), w.cut.output_items(t.linear.outputs)}};
    run_phases(phases, crew);
    if (w.failed) return false;
  }
  return true;
}

static void normalize(const biolord::NormTask& t) {
  const FloatMode mode;
  for (int i = 0; i < t.tokens; i++) {
    const size_t row = static_cast<size_t>(i) * t.dim;
    layer_norm(t.x + row, t.y + row, t.dim, t.norm);
  }
}

}  // namespace
