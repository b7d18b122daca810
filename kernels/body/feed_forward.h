// Half a layer: LayerNorm(x + W_2 gelu(W_1 x)), for blocks of tokens. Inner channels lie in groups, each rounded on a grid
// of its own per token. One thread works the groups off one after another, so that a group's values stay in the cache;
// several share all groups, which takes fewer phases.
#pragma once
#include "body/attention.h"

namespace {

struct FeedForwardWork {
  const biolord::FeedForwardTask& t;
  int tokens;  // the block
  Cut cut;
  const float* x;
  float* y;
  int held, width;       // groups held at once, channels of a group
  size_t stride, tiles;  // floats of a row of a group, bytes of its rounded values
  uint8_t* rounded;
  Grid* grids;
  float* total;
  float* inner;           // [held][tokens][stride]
  uint8_t* inner_rounded;  // [held][tiles]
  Grid* inner_grids;      // [held][tokens]
  bool failed;
};

INLINE void expand(FeedForwardWork& w, int round, int n0, int n1, int8_t* room) {
  const biolord::Linear linear = w.t.first;
  const Grid* grids = w.grids;
  const size_t stride = w.stride;
  const int base = round * w.held * w.width;
  for (int from = n0, to; from < n1; from = to) {  // a part may reach over groups
    const int group = from / w.width;
    to = at_most(n1, (group + 1) * w.width);
    float* inner = w.inner + static_cast<size_t>(group) * w.tokens * w.stride - base - group * w.width;
    products(w.rounded, w.tokens, linear, base + from, base + to, room, [=](int m, int n, Ints sums) ALWAYS_INLINE {
      store(inner + m * stride + n, gelu(dequantize(linear, n, to_floats(sums), grids[m], load(linear.bias + n))));
    });
  }
}
INLINE void round_inner(FeedForwardWork& w, int from, int to) {
  for (int g = 0; g < w.held; g++)
    for (int i = from; i < to; i++) {
      const size_t row = static_cast<size_t>(g) * w.tokens + i;
      w.inner_grids[row] = quantize(w.inner + row * w.stride, w.width, w.inner_rounded + g * w.tiles, i);
    }
}
template <bool First>
INLINE void contract_group(FeedForwardWork& w, int round, int g, int n0, int n1, int8_t* room) {
  const biolord::Linear linear = w.t.second[round * w.held + g];
  const float* x = w.x;
  float* total = w.total;
  const Grid* grids = w.inner_grids + static_cast<size_t>(g) * w.tokens;
  const int dim = w.t.dim;
  products(w.inner_rounded + g * w.tiles, w.tokens, linear, n0, n1, room, [=](int m, int n, Ints sums) ALWAYS_INLINE {
    const size_t at = static_cast<size_t>(m) * dim + n;
    const Floats more = First ? add(load(linear.bias + n), load(x + at)) : load(total + at);
    store(total + at, dequantize(linear, n, to_floats(sums), grids[m], more));
  });
}
INLINE void contract(FeedForwardWork& w, int round, int n0, int n1, int8_t* room) {
  for (int g = 0; g < w.held; g++) {
    if (round + g == 0) contract_group<true>(w, round, g, n0, n1, room);
    else contract_group<false>(w, round, g, n0, n1, room);
  }
}
static void multiply_part(FeedForwardWork& w, int round, bool first, int n0, int n1) {
  const size_t bytes = products_room(first ? w.t.first : w.t.second[0]);
  biolord::Arena arena(biolord::Arena::room<int8_t>(bytes));
  if (!arena.ok()) {
    w.failed = true;
    return;
  }
  int8_t* room = arena.take<int8_t>(bytes);
  if (first) expand(w, round, n0, n1, room);
  else contract(w, round, n0, n1, room);
}

// Phase 0 rounds the input, then three phases for each round of held groups, and the last one normalizes.
static void feed_forward_step(void* task, int phase, int item) {
  FeedForwardWork& w = *static_cast<FeedForwardWork*>(task);
  const FloatMode mode;
  const int dim = w.t.dim, from = item * w.cut.rows_each(), to = at_most(w.tokens, from + w.cut.rows_each());
  const int rounds = w.t.groups / w.held, round = (phase - 1) / 3, kind = (phase - 1) % 3;
  if (phase == 0) {
    for (int i = from; i < to; i++)
      w.grids[i] = quantize_smoothed(w.x + static_cast<size_t>(i) * dim, dim, w.t.smoothing, w.rounded, i);
  } else if (phase > 3 * rounds) {
    for (int i = from; i < to; i++)
      layer_norm(w.total + static_cast<size_t>(i) * dim, w.y + static_cast<size_t>(i) * dim, dim, w.t.norm);
  } else if (kind == 1) {
    round_inner(w, from, to);
  } else {
    const int outputs = kind == 0 ? w.held * w.width : dim, each = w.cut.outputs_each(outputs);
    multiply_part(w, round, kind == 0, item * each, at_most(outputs, item * each + each));
  }
}

INLINE biolord::Phases feed_forward_phases(FeedForwardWork& w) {
  const int rounds = w.t.groups / w.held, rows = w.cut.row_items();
  biolord::Phases phases;
  phases.step = feed_forward_step, phases.task = &w, phases.count = 3 * rounds + 2;
  phases.items[0] = phases.items[3 * rounds + 1] = rows;
  for (int r = 0; r < rounds; r++) {
    phases.items[3 * r + 1] = w.cut.output_items(w.held * w.width);
    phases.items[3 * r + 2] = rows;
    phases.items[3 * r + 3] = w.cut.output_items(w.t.dim);
  }
  return phases;
}
static bool feed_forward_block(const biolord::FeedForwardTask& t, int first, int tokens, biolord::Workers& workers) {
  const int threads = threads_for(t.tokens, workers), held = threads > 1 ? t.groups : 1, width = t.second[0].inputs;
  const size_t offset = static_cast<size_t>(first) * t.dim, cells = static_cast<size_t>(tokens) * t.dim;
  const size_t stride = width + 16, tiles = tiles_room(tokens, width), held_rows = static_cast<size_t>(held) * tokens;
  using biolord::Arena;
  Arena arena(Arena::room<uint8_t>(tiles_room(tokens, t.dim)) + Arena::room<Grid>(tokens) + Arena::room<float>(cells) +
              Arena::room<float>(held_rows * stride) + Arena::room<uint8_t>(held * tiles) + Arena::room<Grid>(held_rows));
  if (!arena.ok()) return false;
  FeedForwardWork w = {t, tokens, {tokens, threads}, t.x + offset, t.y + offset, held, width, stride, tiles,
                       arena.take<uint8_t>(tiles_room(tokens, t.dim)), arena.take<Grid>(tokens), arena.take<float>(cells),
                       arena.take<float>(held_rows * stride), arena.take<uint8_t>(held * tiles),
                       arena.take<Grid>(held_rows), false};
  biolord::Workers crew = workers;
  crew.threads = threads;
  run_phases(feed_forward_phases(w), crew);
  return !w.failed;
}
static bool feed_forward(const biolord::FeedForwardTask& t, biolord::Workers& workers) {
  const int size = round_up(block_tokens(t.tokens), 32);  // whole pairs of tiles
  for (int first = 0; first < t.tokens; first += size)
    if (!feed_forward_block(t, first, at_most(size, t.tokens - first), workers)) return false;
  return true;
}

}  // namespace
