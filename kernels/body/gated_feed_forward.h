// Half a layer: x + W_2 (gelu(W_a n) * W_b n) of a normalized row n, for blocks of tokens. Inner channels lie in groups, as
// body/feed_forward.h says; the outputs of the first layer are a group's channels, then its gates, and so on.
#pragma once
#include "body/feed_forward.h"
#include "body/normed.h"

namespace {

struct GatedWork {
  const biolord::GatedFeedForwardTask& t;
  int tokens;  // the block
  Cut cut;
  const float* x;
  float* y;
  int held, width;       // groups held at once, channels of a group
  size_t stride, tiles;  // floats of a row of a group with its gates, bytes of its rounded values
  uint8_t* rounded;
  Grid* grids;
  float* inner;            // [held][tokens][stride]
  uint8_t* inner_rounded;  // [held][tiles]
  Grid* inner_grids;       // [held][tokens]
  bool failed;
};

INLINE void expand_part(GatedWork& w, int round, int n0, int n1, int8_t* room) {
  const int base = round * w.held * 2 * w.width;
  for (int from = n0, to; from < n1; from = to) {  // a part may reach over groups
    const int half = from / w.width, group = half / 2;
    to = at_most(n1, (half + 1) * w.width);
    float* inner = w.inner + static_cast<size_t>(group) * w.tokens * w.stride - base - group * 2 * w.width;
    const Outputs outputs = {w.t.first, w.grids, inner, static_cast<int>(w.stride), nullptr};
    if (half % 2) put_products<Output::kValue>(w.rounded, w.tokens, base + from, base + to, room, outputs);
    else put_products<Output::kGelu>(w.rounded, w.tokens, base + from, base + to, room, outputs);
  }
}
INLINE Grid quantize_gated(float* row, int width, uint8_t* to, int i) {
  Range seen;
  seen.clear();
  for (int k = 0; k < width; k += 64)
    UNROLL for (int j = 0; j < 4; j++) {
      float* at = row + k + 16 * j;
      const Floats v = mul(load(at), load(at + width));
      store(at, v);
      seen.see(j, v);
    }
  return round_row(row, width, seen, to, i);
}
INLINE void round_gated(GatedWork& w, int from, int to) {
  for (int g = 0; g < w.held; g++)
    for (int i = from; i < to; i++) {
      const size_t row = static_cast<size_t>(g) * w.tokens + i;
      w.inner_grids[row] = quantize_gated(w.inner + row * w.stride, w.width, w.inner_rounded + g * w.tiles, i);
    }
}
static void multiply_gated(GatedWork& w, int round, bool first, int n0, int n1) {
  const size_t bytes = products_room(first ? w.t.first : w.t.second[0]);
  biolord::Arena arena(biolord::Arena::room<int8_t>(bytes));
  if (!arena.ok()) {
    w.failed = true;
    return;
  }
  int8_t* room = arena.take<int8_t>(bytes);
  if (first) return expand_part(w, round, n0, n1, room);
  for (int g = 0; g < w.held; g++) {
    const uint8_t* a = w.inner_rounded + g * w.tiles;
    const bool begins = round + g == 0;
    const Grid* grids = w.inner_grids + static_cast<size_t>(g) * w.tokens;
    const Outputs to = {w.t.second[round * w.held + g], grids, w.y, w.t.dim, begins ? w.x : w.y};
    if (begins) put_products<Output::kFirst>(a, w.tokens, n0, n1, room, to);
    else put_products<Output::kMore>(a, w.tokens, n0, n1, room, to);
  }
}

// Phase 0 rounds the input, then three phases for each round of held groups.
static void gated_step(void* task, int phase, int item) {
  GatedWork& w = *static_cast<GatedWork*>(task);
  const FloatMode mode;
  const int dim = w.t.dim, from = item * w.cut.rows_each(), to = at_most(w.tokens, from + w.cut.rows_each());
  const int round = (phase - 1) / 3, kind = (phase - 1) % 3;
  if (phase == 0) {
    alignas(64) float row[biolord::kMaxDim];
    for (int i = from; i < to; i++) {
      const Range seen = norm_row(w.x + static_cast<size_t>(i) * dim, dim, w.t.norm, row);
      w.grids[i] = round_row(row, dim, seen, w.rounded, i);
    }
  } else if (kind == 1) {
    round_gated(w, from, to);
  } else {
    const int outputs = kind == 0 ? w.held * 2 * w.width : dim, each = w.cut.outputs_each(outputs);
    multiply_gated(w, round, kind == 0, item * each, at_most(outputs, item * each + each));
  }
}
INLINE biolord::Phases gated_phases(GatedWork& w) {
  const int rounds = w.t.groups / w.held, rows = w.cut.row_items();
  biolord::Phases phases;
  phases.step = gated_step, phases.task = &w, phases.count = 3 * rounds + 1;
  phases.items[0] = rows;
  for (int r = 0; r < rounds; r++) {
    phases.items[3 * r + 1] = w.cut.output_items(w.held * 2 * w.width);
    phases.items[3 * r + 2] = rows;
    phases.items[3 * r + 3] = w.cut.output_items(w.t.dim);
  }
  return phases;
}
static bool gated_block(const biolord::GatedFeedForwardTask& t, int first, int tokens, biolord::Workers& workers) {
  const int threads = threads_for(t.tokens, workers), held = threads > 1 ? t.groups : 1, width = t.second[0].inputs;
  const size_t offset = static_cast<size_t>(first) * t.dim, stride = 2 * width + 16, tiles = tiles_room(tokens, width);
  const size_t held_rows = static_cast<size_t>(held) * tokens;
  using biolord::Arena;
  Arena arena(Arena::room<uint8_t>(tiles_room(tokens, t.dim)) + Arena::room<Grid>(tokens) + Arena::room<float>(held_rows * stride) +
              Arena::room<uint8_t>(held * tiles) + Arena::room<Grid>(held_rows));
  if (!arena.ok()) return false;
  GatedWork w = {t, tokens, {tokens, threads}, t.x + offset, t.y + offset, held, width, stride, tiles,
                 arena.take<uint8_t>(tiles_room(tokens, t.dim)), arena.take<Grid>(tokens), arena.take<float>(held_rows * stride),
                 arena.take<uint8_t>(held * tiles), arena.take<Grid>(held_rows), false};
  biolord::Workers crew = workers;
  crew.threads = threads;
  run_phases(gated_phases(w), crew);
  return !w.failed;
}
static bool gated_feed_forward(const biolord::GatedFeedForwardTask& t, biolord::Workers& workers) {
  const int size = round_up(block_tokens(t.tokens), 32);  // whole pairs of tiles
  for (int first = 0; first < t.tokens; first += size)
    if (!gated_block(t, first, at_most(size, t.tokens - first), workers)) return false;
  return true;
}

}  // namespace
