// A made-up encoder from a fixed sequence of numbers: the same on every machine, for hashes and timings.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "dispatch.h"

struct Sizes {
  int dim, heads, inner, groups, layers;
  bool bits4;
};

class Random {
 public:
  uint32_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<uint32_t>(state_ >> 11);
  }
  float uniform() { return static_cast<float>(static_cast<int>(next() % 65536) - 32768) / 16384.0f; }  // -2 ... 2
  std::vector<float> floats(size_t count, float center, float spread) {
    std::vector<float> values(count);
    for (float& v : values) v = center + spread * uniform();
    return values;
  }

 private:
  uint64_t state_ = 88172645463325252ull;
};

// Its data starts at a multiple of 64 bytes.
class Bytes {
 public:
  explicit Bytes(size_t size) : data_(size + 64) {}
  int8_t* get() { return data_.data() + (64 - reinterpret_cast<uintptr_t>(data_.data()) % 64) % 64; }

 private:
  std::vector<int8_t> data_;
};

struct OwnedLinear {
  Bytes packed;
  std::vector<int8_t> group_scales;
  std::vector<float> columns;
  int inputs, outputs;
  static constexpr int kGroup = 32;

  OwnedLinear(Random& random, int k, int n, bool bits4)
      : packed(static_cast<size_t>(k) * n / (bits4 ? 2 : 1)), columns(3 * n), inputs(k), outputs(n) {
    const size_t size = static_cast<size_t>(k) * n / (bits4 ? 2 : 1);
    for (size_t i = 0; i < size; i++) {
      const int value = static_cast<int>(random.next() % 255) - 127;
      packed.get()[i] = static_cast<int8_t>(value);
    }
    if (bits4)
      for (int i = 0; i < k / kGroup * n; i++) group_scales.push_back(static_cast<int8_t>(1 + random.next() % 15));
    for (int i = 0; i < n; i++) {
      columns[i] = colsum(i);
      columns[n + i] = (0.0005f + 0.0001f * random.uniform()) * 28.0f / static_cast<float>(k > 784 ? 28 : 10);
      columns[2 * n + i] = 0.1f * random.uniform();
    }
  }
  int weight(int n, int k) {
    if (group_scales.empty()) return packed.get()[static_cast<size_t>(n / 16 * 16) * inputs + k / 4 * 64 + n % 16 * 4 + k % 4];
    const uint8_t both = static_cast<uint8_t>(packed.get()[static_cast<size_t>(n / 16) * inputs * 8 + k / 8 * 64 + n % 16 * 4 + k % 4]);
    const int scale = group_scales[static_cast<size_t>(n / 16) * (inputs / kGroup) * 16 + k / kGroup * 16 + n % 16];
    return ((k % 8 < 4 ? both & 15 : both >> 4) - 8) * scale;
  }
  float colsum(int n) {
    int sum = 0;
    for (int k = 0; k < inputs; k++) sum += weight(n, k);
    return static_cast<float>(sum);
  }
  biolord::Linear linear() {
    const float* c = columns.data();
    return {packed.get(), group_scales.empty() ? nullptr : group_scales.data(), c, c + outputs, c + 2 * outputs, inputs, outputs, kGroup};
  }
};

struct Layer {
  OwnedLinear qkv, out, first;
  std::vector<OwnedLinear> second;
  std::vector<biolord::Linear> second_linear;
  Layer(Random& random, const Sizes& s)
      : qkv(random, s.dim, 3 * s.dim, s.bits4), out(random, s.dim, s.dim, s.bits4), first(random, s.dim, s.inner, s.bits4) {
    second.reserve(s.groups);
    for (int g = 0; g < s.groups; g++) {
      second.emplace_back(random, s.inner / s.groups, s.dim, s.bits4);
      second_linear.push_back(second.back().linear());
    }
  }
};

struct Model {
  static constexpr int kPositions = 512, kVocabulary = 97;
  Sizes sizes;
  Random random;
  std::vector<float> norm, smoothing, position_bias, positions, token_scales;
  std::vector<int8_t> table;
  std::vector<Layer> layers;

  explicit Model(const Sizes& s)
      : sizes(s), norm(random.floats(s.dim, 1, 0.1f)), smoothing(random.floats(s.dim, 1, 0.2f)),
        position_bias(random.floats(static_cast<size_t>(s.heads) * (2 * kPositions - 1), 0, 1)),
        positions(random.floats(static_cast<size_t>(kPositions) * s.dim, 0, 0.5f)),
        token_scales(random.floats(static_cast<size_t>(kVocabulary) * s.dim / 64, 0.01f, 0.001f)) {
    for (std::vector<float>* tensor : {&norm, &smoothing})
      for (float v : random.floats(s.dim, 0, 0.05f)) tensor->push_back(v);
    for (int i = 0; i < kVocabulary * s.dim; i++) table.push_back(static_cast<int8_t>(static_cast<int>(random.next() % 255) - 127));
    for (int l = 0; l < s.layers; l++) layers.emplace_back(random, s);
  }
  biolord::Norm normed() const { return {norm.data(), norm.data() + sizes.dim, 1e-5f}; }
  biolord::Affine smoothed() const { return {smoothing.data(), smoothing.data() + sizes.dim}; }

  void embed(const biolord::Kind& kind, const int64_t* ids, int64_t length, const int32_t* starts, int texts, float* y) {
    kind.embed({ids, length, starts, texts, sizes.dim, 0, table.data(), token_scales.data(), positions.data(), normed(), y});
  }
  bool layer(const biolord::Kind& kind, int number, float* x, const int32_t* starts, int texts, biolord::Workers& workers) {
    Layer& l = layers[number];
    return kind.attention({x, x, starts, texts, sizes.dim, sizes.heads, smoothed(), l.qkv.linear(), l.out.linear(), normed(),
                           position_bias.data(), kPositions}, workers) &&
           kind.feed_forward({x, x, starts[texts], sizes.dim, sizes.groups, smoothed(), l.first.linear(), l.second_linear.data(), normed()},
                             workers);
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
