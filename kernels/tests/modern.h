// A made-up ModernBERT, as tests/model.h makes encoders.
#pragma once
#include "tests/model.h"

struct ModernSizes {
  int dim, heads, inner, groups, layers, window;
  bool bits4;
  int value_bits;
};
struct ModernModel {
  static constexpr int kPositions = 64, kVocabulary = 97, kMostLayers = 3;
  ModernSizes sizes;
  biolord::Norm norm;
  biolord::Affine smoothing;
  float *turns, *token_scales;
  int8_t* table;
  biolord::Linear projection;
  Layer layers[kMostLayers];

  explicit ModernModel(const ModernSizes& s) : sizes(s) {
    Random random;
    norm = {random.floats(s.dim, 1, 0.1f), random.floats(s.dim, 0, 0.05f), 1e-5f};
    smoothing = {random.floats(s.dim, 1, 0.2f), random.floats(s.dim, 0, 0.05f)};
    turns = random.floats(static_cast<size_t>(kPositions) * s.dim / s.heads, 0, 0.5f);
    token_scales = random.floats(static_cast<size_t>(kVocabulary) * s.dim / 64, 0.01f, 0.001f);
    table = random.bytes(static_cast<size_t>(kVocabulary) * s.dim, -127, 127);
    projection = make_linear(random, s.dim, s.dim, false);
    for (int l = 0; l < s.layers; l++) {
      layers[l].qkv = make_linear(random, s.dim, 3 * s.dim, s.bits4);
      layers[l].out = make_linear(random, s.dim, s.dim, s.bits4);
      layers[l].first = make_linear(random, s.dim, 2 * s.inner, s.bits4);
      for (int g = 0; g < s.groups; g++) layers[l].second[g] = make_linear(random, s.inner / s.groups, s.dim, s.bits4);
    }
  }
  // Hidden rows of some texts; the projection, ELECTRA's own, stands where it does there.
  void run(const biolord::Kind& kind, const int64_t* ids, int64_t length, const int32_t* starts, int texts, float* x) const {
    const int dim = sizes.dim, tokens = starts[texts];
    biolord::Workers workers = {nullptr, nullptr, 1};
    float* rows = many<float>(static_cast<size_t>(tokens) * dim);
    kind.embed({ids, length, starts, texts, dim, 0, table, token_scales, nullptr, norm, rows});
    kind.project({rows, x, tokens, smoothing, projection}, workers);
    for (int l = 0; l < sizes.layers; l++) {
      const Layer& layer = layers[l];
      const biolord::NormPlace place = l == 0 ? biolord::NormPlace::kNowhere : biolord::NormPlace::kBefore;
      kind.attention({x, rows, starts, texts, dim, sizes.heads, {norm.gain, norm.shift}, layer.qkv, layer.out, norm, nullptr, 0,
                      sizes.value_bits, place, turns, l % 3 ? sizes.window : kPositions}, workers);
      kind.gated_feed_forward({rows, x, tokens, dim, sizes.groups, norm, layer.first, layer.second}, workers);
    }
    kind.normalize({x, x, tokens, dim, norm});
  }
};
