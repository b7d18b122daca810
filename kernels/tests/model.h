// A made-up encoder from a fixed sequence of numbers: the same on every machine, for hashes and timings.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "dispatch.h"

struct Sizes {
  int dim, heads, inner, groups, layers;
  bool bits4;
  int value_bits = 8;
  // Of a group of inner channels: all of one width, but where there are enough channels the first gives the last some.
  int width(int group) const {
    const int each = inner / groups, given = groups > 1 && each > 64 ? each / 128 * 64 : 0;
    return each - (group == 0 ? given : 0) + (group == groups - 1 ? given : 0);
  }
};

// Zeroed memory from a multiple of 64 bytes on, for as long as the program runs.
template <class T>
T* many(size_t count) {
  void* memory = calloc(count * sizeof(T) + 64, 1);
  if (!memory) abort();
  return reinterpret_cast<T*>((reinterpret_cast<uintptr_t>(memory) + 63) / 64 * 64);
}

class Random {
 public:
  uint32_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<uint32_t>(state_ >> 11);
  }
  int whole(int least, int most) { return least + static_cast<int>(next() % static_cast<uint32_t>(most - least + 1)); }
  float uniform() { return static_cast<float>(whole(-32768, 32767)) / 16384.0f; }  // -2 ... 2
  float* floats(size_t count, float center, float spread) {
    float* values = many<float>(count);
    for (size_t i = 0; i < count; i++) values[i] = center + spread * uniform();
    return values;
  }
  int8_t* bytes(size_t count, int least, int most) {
    int8_t* values = many<int8_t>(count);
    for (size_t i = 0; i < count; i++) values[i] = static_cast<int8_t>(whole(least, most));
    return values;
  }

 private:
  uint64_t state_ = 88172645463325252ull;
};

constexpr int kScaleGroup = 16;  // inputs that share a scale of 4-bit weights

inline int weight_of(const biolord::Linear& w, int n, int k) {
  const size_t panel = static_cast<size_t>(n / 16), lane = static_cast<size_t>(n % 16);
  if (!w.group_scales) return w.packed[panel * 16 * w.inputs + k / 4 * 64 + lane * 4 + k % 4];
  const uint8_t both = static_cast<uint8_t>(w.packed[panel * 8 * w.inputs + k / 8 * 64 + lane * 4 + k % 4]);
  return ((k % 8 < 4 ? both & 15 : both >> 4) - 8) * w.group_scales[(panel * (w.inputs / w.group) + k / w.group) * 16 + lane];
}
inline biolord::Linear make_linear(Random& random, int inputs, int outputs, bool bits4) {
  const size_t weights = static_cast<size_t>(inputs) * outputs;
  float *colsum = many<float>(outputs), *scale = many<float>(outputs), *bias = random.floats(outputs, 0, 0.1f);
  biolord::Linear w = {random.bytes(bits4 ? weights / 2 : weights, -127, 127), nullptr, colsum, scale, bias, inputs, outputs, kScaleGroup};
  if (bits4) w.group_scales = random.bytes(weights / kScaleGroup, 1, 15);
  for (int n = 0; n < outputs; n++) {
    int sum = 0;
    for (int k = 0; k < inputs; k++) sum += weight_of(w, n, k);
    colsum[n] = static_cast<float>(sum);
    scale[n] = (1 + 0.2f * random.uniform()) / (static_cast<float>(inputs) * 2);
  }
  return w;
}

struct Layer {
  biolord::Linear qkv, out, first, second[32];
};
struct Model {
  static constexpr int kPositions = 512, kVocabulary = 97, kMostLayers = 12;
  Sizes sizes;
  biolord::Norm norm;
  biolord::Affine smoothing;
  float *position_bias, *positions, *token_scales;
  int8_t* table;
  Layer layers[kMostLayers];

  explicit Model(const Sizes& s) : sizes(s) {
    Random random;
    norm = {random.floats(s.dim, 1, 0.1f), random.floats(s.dim, 0, 0.05f), 1e-5f};
    smoothing = {random.floats(s.dim, 1, 0.2f), random.floats(s.dim, 0, 0.05f)};
    position_bias = random.floats(static_cast<size_t>(s.heads) * (2 * kPositions - 1), 0, 1);
    positions = random.floats(static_cast<size_t>(kPositions) * s.dim, 0, 0.5f);
    token_scales = random.floats(static_cast<size_t>(kVocabulary) * s.dim / 64, 0.01f, 0.001f);
    table = random.bytes(static_cast<size_t>(kVocabulary) * s.dim, -127, 127);
    for (int l = 0; l < s.layers; l++) {
      layers[l].qkv = make_linear(random, s.dim, 3 * s.dim, s.bits4);
      layers[l].out = make_linear(random, s.dim, s.dim, s.bits4);
      layers[l].first = make_linear(random, s.dim, s.inner, s.bits4);
      for (int g = 0; g < s.groups; g++) layers[l].second[g] = make_linear(random, s.width(g), s.dim, s.bits4);
    }
  }
  void embed(const biolord::Kind& kind, const int64_t* ids, int64_t length, const int32_t* starts, int texts, float* y) const {
    kind.embed({ids, length, starts, texts, sizes.dim, 0, table, token_scales, positions, norm, y});
  }
  // From x to x by way of `between`.
  bool layer(const biolord::Kind& kind, int number, float* x, float* between, const int32_t* starts, int texts, biolord::Workers& workers) const {
    const Layer& l = layers[number];
    return kind.attention({x, between, starts, texts, sizes.dim, sizes.heads, smoothing, l.qkv, l.out, norm, position_bias, kPositions, sizes.value_bits}, workers) &&
           kind.feed_forward({between, x, starts[texts], sizes.dim, sizes.groups, smoothing, l.first, l.second, norm}, workers);
  }
};

inline uint64_t hash(const float* values, size_t count, uint64_t seed = 1469598103934665603ull) {
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, values + i, 4);
    seed = (seed ^ bits) * 1099511628211ull;
  }
  return seed;
}
