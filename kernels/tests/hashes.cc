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
  const size_t cells = static_cast<size_t>(starts[texts]) * dim;
  float *x = many<float>(cells), *between = many<float>(cells), *sentence = many<float>(texts * dim), *unit = many<float>(texts * dim);
  model.embed(kind, ids, longest, starts, texts, x);
  Workers workers = {nullptr, nullptr, 1};
  for (int l = 0; l < model.sizes.layers; l++) model.layer(kind, l, x, between, starts, texts, workers);
  kind.pool({x, starts, texts, dim, false, sentence, unit});
  return hash(unit, static_cast<size_t>(texts) * dim, hash(sentence, static_cast<size_t>(texts) * dim));
}

int main(int count, char** names) {
  for (const Sizes& sizes : kModels) {
    const Model& model = *new (many<Model>(1)) Model(sizes);
    for (int i = 0; const Kind* kind = kind_at(i); i++) {
      bool wanted = count == 1;
      for (int n = 1; n < count; n++) wanted |= !strcmp(names[n], kind->name);
      const unsigned long long found = wanted ? hash_of(*kind, model) : 0;
      if (wanted) printf("%d-%d-%d-%d %s %016llx\n", sizes.dim, sizes.inner, sizes.bits4 ? 4 : 8, sizes.value_bits, kind->name, found);
    }
  }
}
