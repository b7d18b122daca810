// Half a layer: x + W_o attention(n) of a normalized row n, with queries and keys turned by their places, and keys at most a
// window away; for blocks of whole texts.
#pragma once
#include "body/attention.h"
#include "body/normed.h"
#include "body/window.h"

namespace {

struct RotaryWork {
  const biolord::RotaryAttentionTask& t;
  int first, texts, tokens;  // the block
  Cut cut;
  const float* x;
  float* y;
  int longest, width, heads_each;
  uint8_t* rounded;
  Grid* grids;
  uint8_t* words;  // the input in 16 bits, where values are made of it, else null
  Grid* word_grids;
  float* mixed;
  bool failed;
};

INLINE void round_rotary(RotaryWork& w, int i) {
  const int dim = w.t.dim;
  const float* x = w.x + static_cast<size_t>(i) * dim;
  alignas(64) float row[biolord::kMaxDim];
  const Range seen = w.t.normalized ? smooth_row(x, dim, {w.t.norm.gain, w.t.norm.shift}, row) : norm_row(x, dim, w.t.norm, row);
  w.grids[i] = round_row(row, dim, seen, w.rounded, i);
  if (w.words) w.word_grids[i] = round_row_twice(row, dim, seen, w.words, i);
}
// Turns the pairs of a head's channels: the first half of them is what the second half belongs to.
INLINE void turn_head(float* head, int width, const float* turns) {
  const int half = width / 2;
  for (int d = 0; d < half; d += 16) {
    const Floats a = load(head + d), b = load(head + half + d), cosine = load(turns + d), sine = load(turns + half + d);
    store(head + d, sub(mul(a, cosine), mul(b, sine)));
    store(head + half + d, add(mul(b, cosine), mul(a, sine)));
  }
}
INLINE void turn_text(const RotaryWork& w, float* qkv, int stride, int length) {
  for (int i = 0; i < length; i++, qkv += stride)
    for (int h = 0; h < 2 * w.heads_each; h++)  // queries, then keys
      turn_head(qkv + h * w.width, w.width, w.t.turns + static_cast<size_t>(i) * w.width);
}
static void attend_turned(RotaryWork& w, int item) {
  const int block = w.heads_each * w.width, stride = 3 * block + 16, wide = round_up(w.longest, 16);
  const size_t rows = static_cast<size_t>(w.tokens) + 16, room_bytes = products_room(w.t.qkv);
  const size_t turned_room = static_cast<size_t>(wide) * w.width, scores_room = static_cast<size_t>(wide) * kScoreRows;
  using biolord::Arena;
  Arena arena(Arena::room<float>(rows * stride) + Arena::room<float>(turned_room) + Arena::room<float>(scores_room) +
              Arena::room<int8_t>(room_bytes));
  if (!arena.ok()) {
    w.failed = true;
    return;
  }
  float* qkv = arena.take<float>(rows * stride);
  float* turned = arena.take<float>(turned_room);
  float* scores = arena.take<float>(scores_room);
  project_heads({w.t.qkv, w.rounded, w.grids, w.words, w.word_grids, w.tokens}, item * block, block, stride, qkv,
                arena.take<int8_t>(room_bytes));
  clear_keys_beyond(qkv, w.tokens, block, stride);
  const float scale = 1.0f / __builtin_sqrtf(static_cast<float>(w.width));
  const int32_t* starts = w.t.starts + w.first;
  for (int text = 0; text < w.texts; text++) {
    const int start = starts[text] - starts[0], length = starts[text + 1] - starts[text];
    float* rows_of = qkv + static_cast<size_t>(start) * stride;
    turn_text(w, rows_of, stride, length);
    for (int h = 0; h < w.heads_each; h++) {
      const float* q = rows_of + h * w.width;
      attend_window({q, q + block, q + 2 * block, stride, w.width, length, round_up(length, 16), w.t.window, nullptr, scale, turned, scores,
                     w.mixed + static_cast<size_t>(start) * w.t.dim + item * block + h * w.width, w.t.dim});
    }
  }
}
INLINE void project_turned_out(RotaryWork& w, int n0, int n1) {
  const biolord::Linear linear = w.t.out;
  const size_t bytes = products_room(linear);
  biolord::Arena arena(biolord::Arena::room<int8_t>(bytes));
  if (!arena.ok()) {
    w.failed = true;
    return;
  }
  put_products<Output::kFirst>(w.rounded, w.tokens, n0, n1, arena.take<int8_t>(bytes), {linear, w.grids, w.y, w.t.dim, w.x});
}

static void rotary_step(void* task, int phase, int item) {
  RotaryWork& w = *static_cast<RotaryWork*>(task);
  const FloatMode mode;
  const int dim = w.t.dim, from = item * w.cut.rows_each(), to = at_most(w.tokens, from + w.cut.rows_each());
  switch (phase) {
    case 0:
      for (int i = from; i < to; i++) round_rotary(w, i);
      return;
    case 1: return attend_turned(w, item);
    case 2:
      for (int i = from; i < to; i++) w.grids[i] = quantize(w.mixed + static_cast<size_t>(i) * dim, dim, w.rounded, i);
      return;
    default: {
      const int each = w.cut.outputs_each(dim);
      return project_turned_out(w, item * each, at_most(dim, item * each + each));
    }
  }
}
static bool rotary_block(const biolord::RotaryAttentionTask& t, int first, int texts, biolord::Workers& workers) {
  const int tokens = t.starts[first + texts] - t.starts[first], threads = threads_for(tokens, workers), dim = t.dim;
  const size_t offset = static_cast<size_t>(t.starts[first] - t.starts[0]) * dim, cells = static_cast<size_t>(tokens) * dim;
  const bool words = t.value_bits == 16;
  const size_t words_room = words ? tiles_room(2 * tokens, dim) : 0;
  using biolord::Arena;
  Arena arena(Arena::room<uint8_t>(tiles_room(tokens, dim)) + 2 * Arena::room<Grid>(tokens) + Arena::room<uint8_t>(words_room) +
              Arena::room<float>(cells));
  if (!arena.ok()) return false;
  int longest = 0;
  for (int i = first; i < first + texts; i++) longest = Cut::greater_of(longest, t.starts[i + 1] - t.starts[i]);
  const int width = dim / t.heads, each = heads_at_once(t.heads, width, threads);
  RotaryWork w = {t, first, texts, tokens, {tokens, threads}, t.x + offset, t.y + offset, longest, width, each,
                  arena.take<uint8_t>(tiles_room(tokens, dim)), arena.take<Grid>(tokens),
                  words ? arena.take<uint8_t>(words_room) : nullptr, arena.take<Grid>(tokens), arena.take<float>(cells), false};
  const int rows = w.cut.row_items();
  const biolord::Phases phases = {rotary_step, &w, 4, {rows, t.heads / each, rows, w.cut.output_items(dim)}};
  biolord::Workers crew = workers;
  crew.threads = threads;
  run_phases(phases, crew);
  return !w.failed;
}
static bool rotary_attention(const biolord::RotaryAttentionTask& t, biolord::Workers& workers) {
  const int each = block_tokens(t.starts[t.texts] - t.starts[0]);
  for (int first = 0, last; first < t.texts; first = last) {
    last = first + 1;
    while (last < t.texts && t.starts[last] - t.starts[first] < each) last++;
    if (!rotary_block(t, first, last - first, workers)) return false;
  }
  return true;
}

}  // namespace
