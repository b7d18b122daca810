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
  kind.pool({x, starts, texts, dim, false, sentence, unit});
  return hash(unit, static_cast<size_t>(texts) * dim, hash(sentence, static_cast<size_t>(texts) * dim));
}

// Of what a scan of made-up vectors shows, in any order: two queries take all rows, the others those that may be above 0.
static void add_to_hash(void* context, int query, int64_t row, const float* about, const float* errors) {
  uint64_t& found = *static_cast<uint64_t*>(context);
  found += hash(errors, 16, hash(about, 16, static_cast<uint64_t>(query) * 1031 + static_cast<uint64_t>(row)));
}
static uint64_t hash_of_scan(const Kind& kind, int dim) {
  constexpr int rows = 608, queries = 17;
  Random random;
  const Linear w = make_linear(random, dim, rows, false);
  const float *x = random.floats(static_cast<size_t>(queries) * dim, 0.01f, 0.02f), *errors = random.floats(rows, 0.02f, 0.001f);
  const float least[queries] = {-1e30f, -1e30f};
  uint64_t found = 0;
  ScanTask task = {w.packed, w.scale, w.colsum, errors, x, queries, dim, 0, rows, least, add_to_hash, &found};
  if (!kind.scan(task)) abort();
  task.first = 32, task.last = 64, task.errors = nullptr, task.count = 1;
  return kind.scan(task) ? found : 0;
}
static bool is_wanted(const Kind& kind, int count, char** names) {
  for (int n = 1; n < count; n++)
    if (!strcmp(names[n], kind.name)) return true;
  return count == 1;
}

int main(int count, char** names) {
  for (int dim = 64; dim <= 768; dim += 704)
    for (int i = 0; const Kind* kind = kind_at(i); i++)
      if (is_wanted(*kind, count, names))
        printf("scan-%d %s %016llx\n", dim, kind->name, static_cast<unsigned long long>(hash_of_scan(*kind, dim)));
  for (const Sizes& sizes : kModels) {
    const Model& model = *new (many<Model>(1)) Model(sizes);
    for (int i = 0; const Kind* kind = kind_at(i); i++) {
      if (!is_wanted(*kind, count, names)) continue;
      const unsigned long long found = hash_of(*kind, model);
      printf("%d-%d-%d-%d %s %016llx\n", sizes.dim, sizes.inner, sizes.bits4 ? 4 : 8, sizes.value_bits, kind->name, found);
    }
  }
}
