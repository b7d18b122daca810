// Prints, for every kind that this machine can run, a hash of the vectors of made-up encoders: equal hashes are equal bits,
// on any machine. Arguments: names of kinds; none: all.
#include <new>

#include "tests/model.h"

using namespace biolord;

static const Sizes kModels[] = {
    {64, 4, 128, 2, 2, false},      {64, 4, 128, 1, 2, true},       {384, 12, 1536, 4, 1, false},     {768, 12, 3072, 4, 1, true},
    {64, 4, 128, 2, 2, false, 16},  {64, 4, 128, 1, 2, true, 16},   {768, 12, 3072, 4, 1, false, 16},
};
static const int kLengths[] = {9, 33, 1, 15, 16, 17, 31, 48, 7};

static uint64_t hash_of(const Kind& kind, const Model& model) {
  constexpr int texts = sizeof(kLengths) / sizeof(kLengths[0]), longest = 48;
  const int dim = model.sizes.dim;
  int32_t starts[texts + 1] = {};
  for (int t = 0; t < texts; t++) starts[t + 1] = starts[t] + kLengths[t];
  int64_t ids[texts * longest];
  for (int i = 0; i < texts * longest; i++) ids[i] = i * 31 % Model::kVocabulary;
  float *x = many<float>(static_cast<size_t>(starts[texts]) * dim), *sentence = many<float>(texts * dim), *unit = many<float>(texts * dim);
  model.embed(kind, ids, longest, starts, texts, x);
  Workers workers = {nullptr, nullptr, 1};
  for (int l = 0; l < model.sizes.layers; l++) model.layer(kind, l, x, starts, texts, workers);
  kind.pool({x, starts, texts, dim, Pooling::kMean, sentence, unit});
  return hash(unit, static_cast<size_t>(texts) * dim, hash(sentence, static_cast<size_t>(texts) * dim));
}

// Every pooling, and behind it a layer with every activation, of the same made-up rows.
static uint64_t hash_of_heads(const Kind& kind) {
  constexpr int dim = 64, rows = 23, texts = 3, outputs = 37;
  const int32_t starts[] = {0, 5, 6, rows};
  Random random;
  const float* x = random.floats(static_cast<size_t>(rows) * dim, 0, 1);
  const float *packed = random.floats(3 * dim * 16, 0, 0.3f), *bias = random.floats(48, 0, 1);
  float *sentence = many<float>(texts * dim), *unit = many<float>(texts * dim), *y = many<float>(texts * outputs);
  uint64_t seed = 0;
  for (int mode = 0; mode < static_cast<int>(Pooling::kCount); mode++) {
    kind.pool({x, starts, texts, dim, static_cast<Pooling>(mode), sentence, unit});
    seed = hash(unit, texts * dim, seed);
    for (int activation = 0; activation < static_cast<int>(Activation::kCount); activation++) {
      kind.dense({sentence, texts, dim, outputs, packed, bias, static_cast<Activation>(activation), y});
      kind.unit({y, texts, outputs, y});
      seed = hash(y, texts * outputs, seed);
    }
  }
  return seed;
}

static bool wanted(int count, char** names, const Kind& kind) {
  bool found = count == 1;
  for (int n = 1; n < count; n++) found |= !strcmp(names[n], kind.name);
  return found;
}

int main(int count, char** names) {
  for (int i = 0; const Kind* kind = kind_at(i); i++)
    if (wanted(count, names, *kind)) printf("heads %s %016llx\n", kind->name, static_cast<unsigned long long>(hash_of_heads(*kind)));
  for (const Sizes& sizes : kModels) {
    const Model& model = *new (many<Model>(1)) Model(sizes);
    for (int i = 0; const Kind* kind = kind_at(i); i++) {
      if (!wanted(count, names, *kind)) continue;
      const unsigned long long found = hash_of(*kind, model);
      printf("%d-%d-%d-%d %s %016llx\n", sizes.dim, sizes.inner, sizes.bits4 ? 4 : 8, sizes.value_bits, kind->name, found);
    }
  }
}
