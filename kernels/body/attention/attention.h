// Half a layer: x + W_o attention(x), for blocks of whole texts. LayerNorm is taken of the sum, or of what attention gets.
// Queries and keys may be turned by their places, and keys be seen at most a window away.
#pragma once
#include "arena.h"
#include "body/attention/turns.h"
#include "body/attention/window.h"
#include "body/mode.h"
#include "body/normed.h"
#include "body/outputs.h"
#include "phases.h"

namespace {

// How a run is cut: into parts for several threads, or not at all.
struct Cut {
  int tokens, threads;
  INLINE_MEMBER int rows_each() const { return threads == 1 ? tokens : greater_of(2, divide_up(tokens, 2 * threads)); }
  INLINE_MEMBER int row_items() const { return divide_up(tokens, rows_each()); }
  // Outputs of a product's part; three parts for each thread, so that one who is late has less to catch up with.
  INLINE_MEMBER int outputs_each(int outputs) const {
    return threads == 1 ? outputs : greater_of(32, round_up(divide_up(outputs, 3 * threads), 32));
  }
  INLINE_MEMBER int output_items(int outputs) const { return divide_up(outputs, outputs_each(outputs)); }
  static INLINE_MEMBER int greater_of(int a, int b) { return a > b ? a : b; }
};
// Blocks of about the same size, near kBlockTokens: a small rest would be slow.
INLINE int block_tokens(int tokens) {
  const int blocks = (tokens + biolord::kBlockTokens / 2) / biolord::kBlockTokens;
  return blocks > 1 ? divide_up(tokens, blocks) : at_most(tokens, biolord::kBlockTokens * 3 / 2);
}
INLINE int threads_for(int tokens, const biolord::Workers& workers) {
  return tokens <= biolord::kFewTokens ? workers.threads : 1;
}

struct AttentionWork {
  const biolord::AttentionTask& t;
  int first, texts, tokens;  // the block
  Cut cut;
  const float* x;
  float* y;  // also where mixed values lie, and then what is to be normalized
  int longest, width, heads_each;
  uint8_t* rounded;
  Grid* grids;
  uint8_t* words;  // the input in 16 bits, where values are made of it, else null
  Grid* word_grids;
  bool failed;
};

// Heads worked on at once: a multiple that makes 32 outputs, for one thread as many as keep queries, keys and values in
// the cache.
INLINE int heads_at_once(int heads, int width, int threads) {
  const int least = width % 32 ? 2 : 1;
  int most = least;
  if (threads == 1)
    for (int n = least; n * width <= 192; n += least)
      if (heads % n == 0) most = n;
  return most;
}
// Queries, keys and values of some heads; values are made of 16 bits where there are `words`.
struct Projected {
  const biolord::Linear& qkv;
  const uint8_t* rounded;
  const Grid* grids;
  const uint8_t* words;
  const Grid* word_grids;
  int tokens;
};
INLINE void project_heads(const Projected& p, int from, int width, int stride, float* qkv, int8_t* room) {
  const int dim = p.qkv.outputs / 3;
  for (int third = 0; third < (p.words ? 2 : 3); third++) {
    const int n0 = third * dim + from;
    put_products<Output::kValue>(p.rounded, p.tokens, n0, n0 + width, room, {p.qkv, p.grids, qkv + third * width - n0, stride, nullptr});
  }
  if (!p.words) return;
  const int n0 = 2 * dim + from;
  put_products<Output::kWords>(p.words, 2 * p.tokens, n0, n0 + width, room, {p.qkv, p.word_grids, qkv + 2 * width - n0, stride, nullptr});
}
// The part of a head's row of biases that the longest text needs, with room for whole vectors: window[longest - 1 + key - query].
INLINE void take_window(const biolord::AttentionTask& t, int head, int longest, float* window) {
  const float* row = t.position_bias + static_cast<size_t>(head) * (2 * t.positions - 1) + t.positions - longest;
  memcpy(window, row, (2 * longest - 1) * sizeof(float));
  memset(window + 2 * longest - 1, 0, 32 * sizeof(float));
}
INLINE void attend_head(const AttentionWork& w, int head, const float* q, int block, int stride, float* window, const HeadRoom& room) {
  const int32_t* starts = w.t.starts + w.first;
  if (w.t.position_bias) take_window(w.t, head, w.longest, window);
  for (int text = 0; text < w.texts; text++) {
    const int start = starts[text] - starts[0], length = starts[text + 1] - starts[text];
    const float* rows = q + static_cast<size_t>(start) * stride;
    attend_window({rows, rows + block, rows + 2 * block, stride, w.width, length, w.t.window,
                   w.t.position_bias ? window + w.longest - 1 : nullptr, w.y + static_cast<size_t>(start) * w.t.dim + head * w.width, w.t.dim}, room);
  }
}
static void attend_heads(AttentionWork& w, int item) {
  const int block = w.heads_each * w.width, stride = 3 * block + 16, wide = round_up(w.longest, 16);
  const size_t cells = (static_cast<size_t>(w.tokens) + 1) * stride;  // a row of values beyond the last text is read
  const size_t window_room = 2 * w.longest + 32, room_bytes = products_room(w.t.qkv);
  using biolord::Arena;
  HeadRoom room(w.width, wide);
  Arena arena(Arena::room<float>(cells) + room.bytes(w.width) + Arena::room<float>(window_room) +
              Arena::room<int8_t>(room_bytes));
  if (!arena.ok()) {
    w.failed = true;
    return;
  }
  float* qkv = arena.take<float>(cells);
  room.take(arena, w.width);
  float* window = arena.take<float>(window_room);
  project_heads({w.t.qkv, w.rounded, w.grids, w.words, w.word_grids, w.tokens}, item * block, block, stride, qkv,
                arena.take<int8_t>(room_bytes));
  memset(qkv + static_cast<size_t>(w.tokens) * stride, 0, stride * sizeof(float));
  if (w.t.turns) turn_texts(w.t, w.first, w.texts, qkv, 2 * w.heads_each, w.width, stride);
  for (int h = 0; h < w.heads_each; h++) attend_head(w, item * w.heads_each + h, qkv + h * w.width, block, stride, window, room);
}
INLINE void project_mixed(AttentionWork& w, int n0, int n1) {
  const biolord::Linear linear = w.t.out;
  const size_t bytes = products_room(linear);
  biolord::Arena arena(biolord::Arena::room<int8_t>(bytes));
  if (!arena.ok()) {
    w.failed = true;
    return;
  }
  put_products<Output::kFirst>(w.rounded, w.tokens, n0, n1, arena.take<int8_t>(bytes), {linear, w.grids, w.y, w.t.dim, w.x});
}

INLINE void round_input(AttentionWork& w, int row) {
  const int dim = w.t.dim;
  const float* x = w.x + static_cast<size_t>(row) * dim;
  alignas(64) float read[biolord::kMaxDim];
  const bool norms = w.t.norm_place == biolord::NormPlace::kBefore;
  const Range seen = norms ? norm_row(x, dim, w.t.norm, read) : smooth_row(x, dim, w.t.smoothing, read);
  w.grids[row] = round_row(read, dim, seen, w.rounded, row);
  if (w.words) w.word_grids[row] = round_row_twice(read, dim, seen, w.words, row);
}

static void attention_step(void* task, int phase, int item) {
  AttentionWork& w = *static_cast<AttentionWork*>(task);
  const FloatMode mode;
  const int dim = w.t.dim, from = item * w.cut.rows_each(), to = at_most(w.tokens, from + w.cut.rows_each());
  switch (phase) {
    case 0:
      for (int i = from; i < to; i++) round_input(w, i);
      return;
    case 1: return attend_heads(w, item);
    case 2:
      for (int i = from; i < to; i++) w.grids[i] = quantize(w.y + static_cast<size_t>(i) * dim, dim, w.rounded, i);
      return;
    case 3: {
      const int each = w.cut.outputs_each(dim);
      return project_mixed(w, item * each, at_most(dim, item * each + each));
    }
    default:
      for (int i = from; i < to; i++)
        layer_norm(w.y + static_cast<size_t>(i) * dim, w.y + static_cast<size_t>(i) * dim, dim, w.t.norm);
  }
}

static bool attention_block(const biolord::AttentionTask& t, int first, int texts, biolord::Workers& workers) {
  const int tokens = t.starts[first + texts] - t.starts[first], threads = threads_for(tokens, workers), dim = t.dim;
  const size_t offset = static_cast<size_t>(t.starts[first] - t.starts[0]) * dim;
  const bool words = t.value_bits == 16;
  const size_t words_room = words ? tiles_room(2 * tokens, dim) : 0;
  using biolord::Arena;
  Arena arena(Arena::room<uint8_t>(tiles_room(tokens, dim)) + 2 * Arena::room<Grid>(tokens) + Arena::room<uint8_t>(words_room));
  if (!arena.ok()) return false;
  int longest = 0;
  for (int i = first; i < first + texts; i++) longest = Cut::greater_of(longest, t.starts[i + 1] - t.starts[i]);
  const int width = dim / t.heads, each = heads_at_once(t.heads, width, threads);
  AttentionWork w = {t, first, texts, tokens, {tokens, threads}, t.x + offset, t.y + offset, longest, width, each,
                     arena.take<uint8_t>(tiles_room(tokens, dim)), arena.take<Grid>(tokens),
                     words ? arena.take<uint8_t>(words_room) : nullptr, arena.take<Grid>(tokens), false};
  const int rows = w.cut.row_items();
  const int phase_count = t.norm_place == biolord::NormPlace::kAfter ? 5 : 4;
  biolord::Phases phases = {attention_step, &w, phase_count, {rows, t.heads / each, rows, w.cut.output_items(dim), rows}};
  biolord::Workers crew = workers;
  crew.threads = threads;
  run_phases(phases, crew);
  return !w.failed;
}
static bool attention(const biolord::AttentionTask& t, biolord::Workers& workers) {
  const int each = block_tokens(t.starts[t.texts] - t.starts[0]);
  for (int first = 0, last; first < t.texts; first = last) {
    last = first + 1;
    while (last < t.texts && t.starts[last] - t.starts[first] < each) last++;
    if (!attention_block(t, first, last - first, workers)) return false;
  }
  return true;
}

}  // namespace
