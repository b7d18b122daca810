// What every CPU kind provides, and what its functions are given. No CPU kind's own instructions here.
#pragma once
#include <cstddef>
#include <cstdint>

namespace biolord {

constexpr int kMaxDim = 4096;       // rows of this width are held on the stack
constexpr int kMaxInner = 16384;
constexpr int kMaxGroups = 32;      // of inner channels
constexpr int kMaxVector = 65'536;  // of a text, behind the pooling
constexpr int kMaxLength = 512;     // tokens of a text
constexpr int kMaxTurned = 8192;    // the same where positions are rotary
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
  const int64_t* type_ids = nullptr;  // [texts, length]; null: a single text has no types
  const float* types = nullptr;       // [types, dim]
};
// What LayerNorm is taken of: the sum with the input, the row before it is rounded (which isn't smoothed then), or nothing.
enum class NormPlace { kAfter, kBefore, kNowhere };
struct AttentionTask {
  const float* x;
  float* y;  // elsewhere than x
  const int32_t* starts;
  int texts, dim, heads;
  Affine smoothing;
  Linear qkv, out;
  Norm norm;
  const float* position_bias;  // null: none
  int positions;
  int value_bits;  // of the activations that values are made of: 8 or 16
  NormPlace norm_place = NormPlace::kAfter;
  const float* turns = nullptr;  // [positions][width]: cosines, then sines; null: queries and keys aren't turned
  int window = kMaxTurned;       // keys at most so many tokens away
};
struct FeedForwardTask {
  const float* x;
  float* y;  // elsewhere than x
  int tokens, dim, groups;
  Affine smoothing;
  Linear first;
  const Linear* second;  // [groups]
  Norm norm;
};
// From rows of one width to rows of another, their values rounded to 16 bits.
struct ProjectTask {
  const float* x;
  float* y;
  int tokens;
  Affine smoothing;
  Linear linear;
};
struct NormTask {
  const float* x;
  float* y;
  int tokens, dim;
  Norm norm;
};
struct GatedFeedForwardTask {
  const float* x;
  float* y;
  int tokens, dim, groups;
  Norm norm;
  Linear first;  // the channels of a group, their gates, and so on
  const Linear* second;  // [groups]
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
enum class HeadActivation { kTanh, kGelu, kRelu };
struct ScoreTask {
  const float* x;
  const int32_t* starts;
  int texts, dim;
  const float *dense, *dense_bias;    // [dim, dim], inputs first; [dim]
  const float *output, *output_bias;  // [dim], [1]
  HeadActivation activation;
  float* logits;
};

// Vectors of an index against queries: rows whose cosine may reach what a query asks for.
struct ScanTask {
  const int8_t* high;  // [rows/16, dim/4, 16, 4]: bits 16 to 23 of the vectors
  const float *steps, *sums, *errors;  // [rows]: a vector is steps * (65536 * high + low); sums of high; lengths of
                                       // steps * low, null: there is no low
  const float* queries;  // [count, dim], of length 1
  int count, dim;
  int64_t first, last;  // rows: multiples of 32
  const float* least;   // [count]: what a row must reach; `see` may raise it
  // Gets 16 rows one of which may reach it: their cosines, and by how much these may be wrong.
  void (*see)(void* context, int query, int64_t row, const float* about, const float* errors);
  void* context;
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
  bool (*project)(const ProjectTask&, Workers&);
  void (*normalize)(const NormTask&);
  bool (*gated_feed_forward)(const GatedFeedForwardTask&, Workers&);
  bool (*scan)(const ScanTask&);
  void (*score)(const ScoreTask&);
};

}  // namespace biolord
