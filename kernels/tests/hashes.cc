// Prints, for every kind that this machine can run, a hash of the vectors of made-up encoders: equal hashes are equal bits,
// on any machine. Arguments: names of kinds; none: all.
#include <new>

#include "tests/modern.h"

using namespace biolord;

static const Sizes kModels[] = {
    {64, 4, 128, 2, 2, false},      {64, 4, 128, 1, 2, true},       {384, 12, 1536, 4, 1, false},     {768, 12, 3072, 4, 1, true},
    {64, 4, 128, 2, 2, false, 16},  {64, 4, 128, 1, 2, true, 16},   {768, 12, 3072, 4, 1, false, 16},
};
static const int kLengths[] = {9, 33, 1, 15, 16, 17, 31, 48, 7};

static const ModernSizes kModern[] = {{64, 2, 128, 2, 3, 5, false, 8}, {64, 1, 128, 1, 3, 9, true, 16}, {768, 12, 1152, 6, 2, 16, false, 16}};

constexpr int kTexts = sizeof(kLengths) / sizeof(kLengths[0]), kLongest = 48;
struct Texts {
  int32_t starts[kTexts + 1] = {};
  int64_t ids[kTexts * kLongest];
  Texts() {
    for (int t = 0; t < kTexts; t++) starts[t + 1] = starts[t] + kLengths[t];
    for (int i = 0; i < kTexts * kLongest; i++) ids[i] = i * 31 % Model::kVocabulary;
  }
};
static void run(const Kind& kind, const Model& model, const Texts& t, float* x) {
  float* between = many<float>(static_cast<size_t>(t.starts[kTexts]) * model.sizes.dim);
  model.embed(kind, t.ids, kLongest, t.starts, kTexts, x);
  Workers workers = {nullptr, nullptr, 1};
  for (int l = 0; l < model.sizes.layers; l++) model.layer(kind, l, x, between, t.starts, kTexts, workers);
}
static void run(const Kind& kind, const ModernModel& model, const Texts& t, float* x) { model.run(kind, t.ids, kLongest, t.starts, kTexts, x); }

template <class M>
static uint64_t hash_of(const Kind& kind, const M& model) {
  const Texts t;
  const int dim = model.sizes.dim;
  float *x = many<float>(static_cast<size_t>(t.starts[kTexts]) * dim), *sentence = many<float>(kTexts * dim), *unit = many<float>(kTexts * dim);
  run(kind, model, t, x);
  kind.pool({x, t.starts, kTexts, dim, Pooling::kMean, sentence, unit});
  return hash(unit, static_cast<size_t>(kTexts) * dim, hash(sentence, static_cast<size_t>(kTexts) * dim));
}
static bool is_wanted(const Kind& kind, int count, char** names) {
  for (int n = 1; n < count; n++)
    if (!strcmp(names[n], kind.name)) return true;
  return count == 1;
}

template <class M, class S>
static void print(const char* family, const S& sizes, int count, char** names) {
  const M& model = *new (many<M>(1)) M(sizes);
  for (int i = 0; const Kind* kind = kind_at(i); i++) {
    if (!is_wanted(*kind, count, names)) continue;
    const unsigned long long found = hash_of(*kind, model);
    printf("%s%d-%d-%d-%d %s %016llx\n", family, sizes.dim, sizes.inner, sizes.bits4 ? 4 : 8, sizes.value_bits, kind->name, found);
  }
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
int main(int count, char** names) {
  for (int i = 0; const Kind* kind = kind_at(i); i++)
    if (is_wanted(*kind, count, names)) printf("heads %s %016llx\n", kind->name, static_cast<unsigned long long>(hash_of_heads(*kind)));
  for (int dim = 64; dim <= 768; dim += 704)
    for (int i = 0; const Kind* kind = kind_at(i); i++)
      if (is_wanted(*kind, count, names))
        printf("scan-%d %s %016llx\n", dim, kind->name, static_cast<unsigned long long>(hash_of_scan(*kind, dim)));
  for (const Sizes& sizes : kModels) print<Model>("", sizes, count, names);
  for (const ModernSizes& sizes : kModern) print<ModernModel>("modern-", sizes, count, names);
}
