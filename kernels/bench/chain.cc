// Times a made-up encoder without onnxruntime: chain [KIND [MODEL [SET]]]. MODEL is mpnet or minilm, with settings that
// differ from the default after commas: mpnet,bits=4,values=16,groups=12.
// The machine may be shared: a thread's own CPU time tells its speed whoever else runs; of wall times the best counts.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <thread>
#include <vector>

#include "tests/model.h"

using namespace biolord;

namespace {

double cpu_seconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}
double wall_seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// One helper thread that spins for work: what onnxruntime's pool does for a while after a run.
struct Helper {
  std::atomic<int> called{0}, finished{0};
  std::atomic<bool> stop{false};
  void (*work)(void*, size_t) = nullptr;
  void* argument = nullptr;
  std::thread thread{[this] {
    for (int seen = 0; !stop.load();) {
      if (called.load(std::memory_order_acquire) == seen) continue;
      seen++;
      work(argument, 1);
      finished.store(seen, std::memory_order_release);
    }
  }};
  static void run(void* context, void (*work)(void*, size_t), size_t, void* argument) {
    Helper& helper = *static_cast<Helper*>(context);
    helper.work = work, helper.argument = argument;
    const int call = helper.called.fetch_add(1, std::memory_order_release) + 1;
    work(argument, 0);
    while (helper.finished.load(std::memory_order_acquire) != call) {
    }
  }
  ~Helper() {
    stop = true;
    thread.join();
  }
};

struct Times {
  double best, median;
};
Times timed(Model& model, const Kind& kind, int texts, int length, Workers workers, double seconds, double (*clock)()) {
  std::vector<int32_t> starts;
  for (int i = 0; i <= texts; i++) starts.push_back(i * length);
  Random random;
  const size_t cells = static_cast<size_t>(texts) * length * model.sizes.dim;
  static float *const x = many<float>(512 * 768), *const between = many<float>(512 * 768);
  const float* start = random.floats(cells, 0, 1);
  std::vector<double> all;
  for (const double begin = wall_seconds(); wall_seconds() - begin < seconds || all.size() < 3;) {
    memcpy(x, start, cells * sizeof(float));
    const double before = clock();
    for (int l = 0; l < model.sizes.layers; l++) model.layer(kind, l, x, between, starts.data(), texts, workers);
    all.push_back(clock() - before);
  }
  std::sort(all.begin(), all.end());
  return {all[0], all[all.size() / 2]};
}

// What a query can't be faster than: reading the linear layers' weights, by both threads at once.
struct Stream {
  Model& model;
  static uint64_t read(const void* from, size_t bytes) {
    const uint64_t* words = static_cast<const uint64_t*>(from);
    uint64_t sums[8] = {};
    for (size_t i = 0; i < bytes / 8; i += 8)
      for (int j = 0; j < 8; j++) sums[j] ^= words[i + j];
    return sums[0] ^ sums[1] ^ sums[2] ^ sums[3] ^ sums[4] ^ sums[5] ^ sums[6] ^ sums[7];
  }
  static void half(void* argument, size_t part) {
    const Model& m = static_cast<Stream*>(argument)->model;
    static std::atomic<uint64_t> kept{0};
    const auto layer = [&](const Linear& w) {
      const size_t bytes = static_cast<size_t>(w.inputs) * w.outputs / (w.group_scales ? 4 : 2) / 64 * 64;
      kept ^= read(w.packed + part * bytes, bytes);
    };
    for (int l = 0; l < m.sizes.layers; l++) {
      layer(m.layers[l].qkv), layer(m.layers[l].out), layer(m.layers[l].first);
      for (int g = 0; g < m.sizes.groups; g++) layer(m.layers[l].second[g]);
    }
  }
  double best(Helper& helper) {
    double least = 1;
    for (int i = 0; i < 60; i++) {
      const double before = wall_seconds();
      Helper::run(&helper, half, 2, this);
      least = std::min(least, wall_seconds() - before);
    }
    return least;
  }
};

int setting(const char* model, const char* name, int otherwise) {
  const char* found = strstr(model, name);
  return found ? atoi(found + strlen(name)) : otherwise;
}
Sizes sizes_of(const char* model) {
  const bool mpnet = !strncmp(model, "mpnet", 5);
  Sizes sizes = mpnet ? Sizes{768, 12, 3072, 4, 12, false} : Sizes{384, 12, 1536, 4, 6, false};
  sizes.bits4 = setting(model, "bits=", 8) == 4;
  sizes.value_bits = setting(model, "values=", 8);
  sizes.groups = setting(model, "groups=", sizes.groups);
  return sizes;
}

}  // namespace

int main(int count, char** arguments) {
  const Kind* kind = count > 1 ? kind_named(arguments[1]) : kind_at(0);
  if (!kind) return puts("this machine can't run that kind"), 2;
  static Model model(sizes_of(count > 2 ? arguments[2] : "mpnet"));
  const double operations = 2.0 * model.sizes.layers * (4.0 * model.sizes.dim * model.sizes.dim + 2.0 * model.sizes.dim * model.sizes.inner);
  const int sets[][2] = {{28, 9}, {8, 33}, {1, 240}, {1, 9}, {1, 1}};
  for (int i = 0; i < 5; i++) {
    if (count > 3 && atoi(arguments[3]) != i) continue;
    const int texts = sets[i][0], length = sets[i][1], tokens = texts * length;
    timed(model, *kind, texts, length, {nullptr, nullptr, 1}, 0.1, cpu_seconds);
    const Times one = timed(model, *kind, texts, length, {nullptr, nullptr, 1}, 0.7, cpu_seconds);
    printf("%s %d x %d: 1 thread best %.2f ms, median %.2f = %.0f tokens/s, %.0f GOP/s", kind->name, texts, length, one.best * 1e3,
           one.median * 1e3, tokens / one.best, tokens * operations / one.best * 1e-9);
    if (tokens <= kFewTokens) {
      Helper helper;
      const Times two = timed(model, *kind, texts, length, {Helper::run, &helper, 2}, 0.7, wall_seconds);
      printf("; 2 threads best %.2f ms, median %.2f, weights alone %.2f", two.best * 1e3, two.median * 1e3, Stream{model}.best(helper) * 1e3);
    }
    puts("");
  }
}
