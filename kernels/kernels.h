// What every CPU kind provides, and what its functions are given. No CPU kind's own instructions here.
#pragma once
#include <cstddef>
#include <cstdint>

namespace biolord {

constexpr int kMaxDim = 4096;       // rows of this width are held on the stack
constexpr int kMaxInner = 16384;
constexpr int kMaxVector = 65'536;  // of a text, behind the pooling
constexpr int kMaxLength = 512;     // tokens of a text
constexpr int kBlockTokens = 256;   // tokens that are worked on at once: more fall out of the second-level cache
constexpr int kFewTokens = 128;     // up to here a run is cut into parts for several threads

// A linear layer, packed as README.md says. 4 bits where group_scales is given.
struct Linear {
  const int8_t* packed;
  const int8_t* group_scales;  // null: 8 bits
  const float *colsum, *scale, *bias;
  int inputs, outputs;
  int group;  // inputs that share a group scale
};
struct Affine {  // x * gain + shift
  const float *gain, *shift;
};
struct Norm {
  const float *gain, *shift;
  float epsilon;
};

// Hands items of work to threads; `threads` is a guess, 1 means here and now.
struct Workers {
  void (*run)(void* context, void (*work)(void*, size_t), size_t count, void* argument);
  void* context;
  int threads;
};

struct EmbedTask {
  const int64_t* ids;  // [texts, length]
  int64_t length;
  const int32_t* starts;
  int texts, dim, first_position;
  const int8_t* table;
  const float *scales, *positions;
  Norm norm;
  float* y;
  int64_t pad_id = -1;  // tokens that have no place of their own; -1: none
};
struct AttentionTask {
  const float* x;
  float* y;
  const int32_t* starts;
  int texts, dim, heads;
  Affine smoothing;
  Linear qkv, out;
  Norm norm;
  const float* position_bias;  // null: none
  int positions;
  int value_bits;  // of the activations that values are made of: 8 or 16
};
struct FeedForwardTask {
  const float* x;
  float* y;
  int tokens, dim, groups;
  Affine smoothing;
  Linear first;
  const Linear* second;  // [groups]
  Norm norm;
};
// In the order of the attributes' numbers.
enum class Pooling { kMean, kFirst, kMax, kWeightedMean, kLast, kRootMean, kCount };
enum class Activation {
  kIdentity, kTanh, kRelu, kGelu, kSigmoid, kSilu, kMish, kLeakyRelu, kElu, kSelu, kCelu, kRelu6, kSoftplus, kSoftsign,
  kLogSigmoid, kHardTanh, kHardSigmoid, kHardSwish, kTanhShrink, kCount,
};
struct PoolTask {
  const float* x;
  const int32_t* starts;
  int texts, dim;
  Pooling mode;
  float *sentence, *unit;
  int skipped = 0;  // leading tokens of each text that aren't pooled
};
struct DenseTask {
  const float* x;
  int rows, inputs, outputs;
  const float *packed, *bias;  // [outputs/16, inputs, 16], [outputs/16, 16]
  Activation activation;
  float* y;
};
struct UnitTask {
  const float* x;
  int rows, width;
  float* y;
};

// False: out of memory.
struct Kind {
  const char* name;
  bool (*supported)();
  void (*embed)(const EmbedTask&);
  bool (*attention)(const AttentionTask&, Workers&);
  bool (*feed_forward)(const FeedForwardTask&, Workers&);
  void (*pool)(const PoolTask&);
  void (*dense)(const DenseTask&);
  void (*unit)(const UnitTask&);
};

}  // namespace biolord
