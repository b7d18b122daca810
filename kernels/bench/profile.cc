// Where an encoder's time goes: the phases of both half layers, apart. It brings run_phases itself, so link it without
// phases.cc: profile [KIND [GROUPS [VALUES]]].
#include <algorithm>
#include <ctime>
#include <map>
#include <string>
#include <vector>

#include "phases.h"
#include "tests/model.h"

using namespace biolord;

namespace {

// The machine may be shared: a thread's own CPU time leaves out what others took.
double now() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

std::map<std::string, double> spent;  // in one layer
bool attending = false;
const char* name_of(int phase, int count) {
  static const char* const halves[] = {"round input", "QKV and attention", "round mixed", "output", "normalize"};
  static const char* const thirds[] = {"FC1 and GELU", "round inner", "FC2"};
  if (attending) return halves[phase];
  return phase == 0 ? "round middle" : phase == count - 1 ? "normalize" : thirds[(phase - 1) % 3];
}

// Operations of a cycle that a kind's instructions can do at most, additions and multiplications counted apart.
double peak_of(const std::string& kind) {
  static const std::map<std::string, double> peaks = {{"amx_int8", 2048}, {"avx512_vnni", 256}, {"avx_vnni", 128}, {"avx2", 64}};
  const auto found = peaks.find(kind);
  return found == peaks.end() ? 0 : found->second;
}
// Cycles of a second: additions that wait for each other take one each.
double clock_rate() {
  double best = 0;
  for (int run = 0; run < 20; run++) {
    uint64_t x = 1;
    const double before = now();
    for (int i = 0; i < 1000000; i++) __asm__ volatile("add $1, %0" : "+r"(x));
    best = std::max(best, 1e6 / (now() - before));
  }
  return best;
}
// Multiplications and additions of a phase for one token in one layer; 0: not counted.
double operations_of(const std::string& phase, const Sizes& s) {
  if (phase == "FC1 and GELU" || phase == "FC2") return 2.0 * s.dim * s.inner;
  if (phase == "output") return 2.0 * s.dim * s.dim;
  return phase == "QKV and attention" ? 2.0 * s.dim * s.dim * (s.value_bits == 16 ? 4 : 3) : 0;
}

}  // namespace

void biolord::run_phases(const Phases& phases, Workers&) {
  for (int p = 0; p < phases.count; p++) {
    const double before = now();
    for (int i = 0; i < phases.items[p]; i++) phases.step(phases.task, p, i);
    spent[name_of(p, phases.count)] += now() - before;
  }
}

int main(int count, char** arguments) {
  const Kind* kind = count > 1 ? kind_named(arguments[1]) : kind_at(0);
  if (!kind) return puts("this machine can't run that kind"), 2;
  Sizes sizes = {768, 12, 3072, count > 2 ? atoi(arguments[2]) : 4, 12, false, count > 3 ? atoi(arguments[3]) : 8};
  static Model model(sizes);
  const double peak = peak_of(kind->name) * clock_rate();
  const int sets[][2] = {{28, 9}, {252, 1}, {8, 33}, {1, 237}};
  for (const auto& set : sets) {
    const int texts = set[0], length = set[1];
    std::vector<int32_t> starts;
    for (int i = 0; i <= texts; i++) starts.push_back(i * length);
    Random random;
    const size_t cells = static_cast<size_t>(texts) * length * sizes.dim;
    float *x = many<float>(cells), *between = many<float>(cells), *start = random.floats(cells, 0, 1);
    std::map<std::string, std::map<int, double>> least;  // of each layer
    for (int run = 0; run < 25; run++) {
      memcpy(x, start, cells * sizeof(float));
      Workers workers = {nullptr, nullptr, 1};
      for (int l = 0; l < sizes.layers; l++) {
        spent.clear();
        const Layer& y = model.layers[l];
        attending = true;
        kind->attention({x, between, starts.data(), texts, sizes.dim, sizes.heads, model.smoothing, y.qkv, y.out, model.norm, model.position_bias, Model::kPositions, sizes.value_bits}, workers);
        attending = false;
        kind->feed_forward({between, x, starts[texts], sizes.dim, sizes.groups, model.smoothing, y.first, y.second, model.norm}, workers);
        for (const auto& each : spent) {
          double& best = least[each.first].emplace(l, 1e9).first->second;
          best = std::min(best, each.second);
        }
      }
    }
    double all = 0;
    std::map<std::string, double> sums;
    for (const auto& phase : least)
      for (const auto& each : phase.second) all += each.second, sums[phase.first] += each.second;
    printf("%s, %d texts of %d tokens, %d groups, values of %d bits: %.2f ms, %.0f tokens/s\n", kind->name, texts, length,
           sizes.groups, sizes.value_bits, all * 1e3, texts * length / all);
    for (const auto& each : sums) {
      const double work = operations_of(each.first, sizes) * sizes.layers * texts * length;
      printf("| %s | %.2f | %.0f %%", each.first.c_str(), each.second * 1e3, 100 * each.second / all);
      if (work > 0) printf(" | %.0f | %.0f %% |\n", work / each.second * 1e-9, 100 * work / each.second / peak);
      else puts(" | | |");
    }
    puts("");
  }
}
