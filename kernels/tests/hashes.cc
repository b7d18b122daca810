// Prints, for every kind that this machine can run, a hash of the vectors of made-up encoders: equal hashes are equal bits,
// on any machine. Arguments: names of kinds; none: all.
#include "tests/model.h"

using namespace biolord;

static const Sizes kModels[] = {
    {64, 4, 128, 2, 2, false}, {64, 4, 128, 1, 2, true}, {384, 12, 1536, 4, 1, false}, {768, 12, 3072, 4, 1, true},
};
static const int kLengths[] = {9, 33, 1, 15, 16, 17, 31, 48, 7};

static uint64_t hash_of(const Kind& kind, Model& model) {
  const int texts = sizeof(kLengths) / sizeof(kLengths[0]), longest = 48, dim = model.sizes.dim;
  std::vector<int32_t> starts{0};
  for (int length : kLengths) starts.push_back(starts.back() + length);
  std::vector<int64_t> ids(texts * longest);
  for (size_t i = 0; i < ids.size(); i++) ids[i] = static_cast<int64_t>(i * 31 % Model::kVocabulary);
  std::vector<float> x(static_cast<size_t>(starts.back()) * dim), sentence(texts * dim), unit(texts * dim);
  model.embed(kind, ids.data(), longest, starts.data(), texts, x.data());
  Workers workers = {nullptr, nullptr, 1};
  for (int l = 0; l < model.sizes.layers; l++) model.layer(kind, l, x.data(), starts.data(), texts, workers);
  kind.pool({x.data(), starts.data(), texts, dim, false, sentence.data(), unit.data()});
  return hash(unit.data(), unit.size(), hash(sentence.data(), sentence.size()));
}

int main(int count, char** names) {
  for (const Sizes& sizes : kModels) {
    Model model(sizes);
    for (int i = 0; const Kind* kind = kind_at(i); i++) {
      bool wanted = count == 1;
      for (int n = 1; n < count; n++) wanted |= !strcmp(names[n], kind->name);
      if (wanted) printf("%d-%d-%d %s %016llx\n", sizes.dim, sizes.inner, sizes.bits4 ? 4 : 8, kind->name, static_cast<unsigned long long>(hash_of(*kind, model)));
    }
  }
}
