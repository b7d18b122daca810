// Times a made-up encoder without onnxruntime: chain [KIND [MODEL [SET]]], MODEL mpnet (default), mpnet4 or minilm.
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
  static float* const x = many<float>(512 * 768);
  const float* start = random.floats(cells, 0, 1);
  std::vector<double> all;
  for (const double begin = wall_seconds(); wall_seconds() - begin < seconds || all.size() < 3;) {
    memcpy(x, start, cells * sizeof(float));
    const double before = clock();
    for (int l = 0; l < model.sizes.layers; l++) model.layer(kind, l, x, starts.data(), texts, workers);
    all.push_back(clock() - before);
  }
  std::sort(all.begin(), all.end());
  return {all[0], all[all.size() / 2]};
}

}  // namespace

int main(int count, char** arguments) {
  const Kind* kind = count > 1 ? kind_named(arguments[1]) : kind_at(0);
  if (!kind) return puts("this machine can't run that kind"), 2;
  const bool minilm = count > 2 && !strcmp(arguments[2], "minilm");
  static Model model(minilm ? Sizes{384, 12, 1536, 4, 6, false} : Sizes{768, 12, 3072, 4, 12, count > 2 && !strcmp(arguments[2], "mpnet4")});
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
      printf("; 2 threads best %.2f ms, median %.2f", two.best * 1e3, two.median * 1e3);
    }
    puts("");
  }
}
