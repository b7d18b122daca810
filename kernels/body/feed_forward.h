// Half a layer: LayerNorm(x + W_2 gelu(W_1 x)), for blocks of tokens. Inner channels lie in groups, each rounded on a grid
// of its own per token. One thread works the groups off one after another, so that a group's values stay in the cache;
// several share all groups, which takes fewer phases.
#pragma once
#include "body/attention/attention.h"

namespace {

struct FeedForwardWork {
  const biolord::FeedForwardTask& t;
  int tokens;  // the block
  Cut cut;
  const float* x;
  float* y;                              // also where sums of the groups' outputs lie
  int held;                              // groups held at once: one, or all
  int begins[biolord::kMaxGroups + 1];  // the channel that each group begins with
  uint8_t* rounded;
  Grid* grids;
  float* inner;           // of the groups held, one after another: [tokens][stride]
  uint8_t* inner_rounded;  // their tiles
  Grid* inner_grids;      // [held][tokens]
  bool failed;

  INLINE_MEMBER int width(int group) const { return begins[group + 1] - begins[group]; }
  INLINE_MEMBER size_t stride(int group) const { return static_cast<size_t>(width(group)) + 16; }
  // `first`: the first of the groups held.
  INLINE_MEMBER float* inner_of(int first, int group) const {
    return inner + static_cast<size_t>(tokens) * (begins[group] - begins[first] + 16 * (group - first));
  }
  INLINE_MEMBER uint8_t* rounded_of(int first, int group) const {
    return inner_rounded + tiles_room(tokens, begins[group] - begins[first]);
  }
  INLINE_MEMBER Grid* grids_of(int first, int group) const { return inner_grids + static_cast<size_t>(group - first) * tokens; }
};

// Channels n0 to n1 of those that the held groups have.
INLINE void expand(FeedForwardWork& w, int first, int n0, int n1, int8_t* room) {
  const biolord::Linear linear = w.t.first;
  const Grid* grids = w.grids;
  for (int group = first; group < first + w.held; group++) {  // a part may reach over groups
    const int from = Cut::greater_of(w.begins[first] + n0, w.begins[group]), to = at_most(w.begins[first] + n1, w.begins[group + 1]);
    if (from >= to) continue;
    float* inner = w.inner_of(first, group) - w.begins[group];
    put_products<Output::kGelu>(w.rounded, w.tokens, from, to, room, {linear, grids, inner, static_cast<int>(w.stride(group)), nullptr});
  }
}
INLINE void round_inner(FeedForwardWork& w, int first, int from, int to) {
  for (int group = first; group < first + w.held; group++) {
    const float* inner = w.inner_of(first, group);
    for (int i = from; i < to; i++)
      w.grids_of(first, group)[i] = quantize(inner + i * w.stride(group), w.width(group), w.rounded_of(first, group), i);
  }
}
INLINE void contract(FeedForwardWork& w, int first, int n0, int n1, int8_t* room) {
  for (int group = first; group < first + w.held; group++) {
    const uint8_t* a = w.rounded_of(first, group);
    const Outputs to = {w.t.second[group], w.grids_of(first, group), w.y, w.t.dim, group == 0 ? w.x : w.y};
    if (group == 0) put_products<Output::kFirst>(a, w.tokens, n0, n1, room, to);
    else put_products<Output::kMore>(a, w.tokens, n0, n1, room, to);
  }
}
// Memory for the widest products of a layer.
INLINE size_t second_room(const biolord::FeedForwardTask& t) {
  size_t most = 0;
  for (int g = 0; g < t.groups; g++)
    if (const size_t bytes = products_room(t.second[g]); bytes > most) most = bytes;
  return most;
}
static void multiply_part(FeedForwardWork& w, int first, bool expanding, int n0, int n1) {
  const size_t bytes = expanding ? products_room(w.t.first) : second_room(w.t);
  biolord::Arena arena(biolord::Arena::room<int8_t>(bytes));
  if (!arena.ok()) {
    w.failed = true;
    return;
  }
  int8_t* room = arena.take<int8_t>(bytes);
  if (expanding) expand(w, first, n0, n1, room);
  else contract(w, first, n0, n1, room);
}

// Phase 0 rounds the input, then three phases for each round of held groups, and the last one normalizes.
static void feed_forward_step(void* task, int phase, int item) {
  FeedForwardWork& w = *static_cast<FeedForwardWork*>(task);
  const FloatMode mode;
  const int dim = w.t.dim, from = item * w.cut.rows_each(), to = at_most(w.tokens, from + w.cut.rows_each());
  const int rounds = w.t.groups / w.held, first = (phase - 1) / 3 * w.held, kind = (phase - 1) % 3;
  if (phase == 0) {
    for (int i = from; i < to; i++)
      w.grids[i] = quantize_smoothed(w.x + static_cast<size_t>(i) * dim, dim, w.t.smoothing, w.rounded, i);
  } else if (phase > 3 * rounds) {
    for (int i = from; i < to; i++)
      layer_norm(w.y + static_cast<size_t>(i) * dim, w.y + static_cast<size_t>(i) * dim, dim, w.t.norm);
  } else if (kind == 1) {
    round_inner(w, first, from, to);
  } else {
    const int outputs = kind == 0 ? w.begins[first + w.held] - w.begins[first] : dim, each = w.cut.outputs_each(outputs);
    multiply_part(w, first, kind == 0, item * each, at_most(outputs, item * each + each));
  }
}

INLINE biolord::Phases feed_forward_phases(FeedForwardWork& w) {
  const int rounds = w.t.groups / w.held, rows = w.cut.row_items();
  biolord::Phases phases;
  phases.step = feed_forward_step, phases.task = &w, phases.count = 3 * rounds + 2;
  phases.items[0] = phases.items[3 * rounds + 1] = rows;
  for (int r = 0; r < rounds; r++) {
    phases.items[3 * r + 1] = w.cut.output_items(w.begins[(r + 1) * w.held] - w.begins[r * w.held]);
    phases.items[3 * r + 2] = rows;
    phases.items[3 * r + 3] = w.cut.output_items(w.t.dim);
  }
  return phases;
}
static bool feed_forward_block(const biolord::FeedForwardTask& t, int first, int tokens, biolord::Workers& workers) {
  const int threads = threads_for(t.tokens, workers);
  const size_t offset = static_cast<size_t>(first) * t.dim;
  FeedForwardWork w = {t, tokens, {tokens, threads}, t.x + offset, t.y + offset, threads > 1 ? t.groups : 1, {}, nullptr,
                       nullptr, nullptr, nullptr, nullptr, false};
  int most = 0;  // channels held at once
  for (int g = 0; g < t.groups; g++) {
    w.begins[g + 1] = w.begins[g] + t.second[g].inputs;
    most = w.held > 1 ? w.begins[g + 1] : Cut::greater_of(most, t.second[g].inputs);
  }
  const size_t rows = static_cast<size_t>(w.held) * tokens, values = static_cast<size_t>(tokens) * (most + 16 * w.held);
  using biolord::Arena;
  Arena arena(Arena::room<uint8_t>(tiles_room(tokens, t.dim)) + Arena::room<Grid>(tokens) +
              Arena::room<float>(values) + Arena::room<uint8_t>(tiles_room(tokens, most)) + Arena::room<Grid>(rows));
  if (!arena.ok()) return false;
  w.rounded = arena.take<uint8_t>(tiles_room(tokens, t.dim)), w.grids = arena.take<Grid>(tokens);
  w.inner = arena.take<float>(values);
  w.inner_rounded = arena.take<uint8_t>(tiles_room(tokens, most)), w.inner_grids = arena.take<Grid>(rows);
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
