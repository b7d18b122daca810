#include "dispatch.h"
#include "operators/registered.h"

namespace biolord {
namespace {

struct Pool {
  static constexpr const char* kName = "Pool";
  static constexpr ElementType kInputs[] = {kFloat, kInt32, kInt64};
  static constexpr ElementType kOutputs[] = {kFloat, kFloat};
  static constexpr size_t kRequiredInputs = 2;

  const Kind* kind = chosen();
  Pooling mode = Pooling::kMean;
  bool skips = false;

  void create(Node& node) {
    mode = static_cast<Pooling>(node.integer_or("mode", 0, 0, static_cast<int>(Pooling::kCount) - 1));
    skips = node.has(2);
  }
  int skipped(Run& run, const int32_t* starts, int texts) const {
    const Tensor given = run.input(2, "skipped", kInt64, {1});
    const int64_t count = run.ok() ? *given.as<int64_t>() : 0;
    for (int text = 0; run.ok() && text < texts; text++)
      if (count < 0 || count >= starts[text + 1] - starts[text])
        run.fail("input skipped is %lld, text %d has %d tokens: nothing of it would be pooled", static_cast<long long>(count), text,
                 starts[text + 1] - starts[text]);
    return static_cast<int>(count);
  }
  void compute(Run& run) const {
    const Tensor hidden = run.input(0, "hidden", kFloat, {kAny, kAny}), starts = run.input(1, "starts", kInt32, {kAny});
    const int64_t dim = hidden.shape[1];
    if (run.ok() && (dim < 64 || dim > kMaxDim || dim % 64))
      run.fail("input hidden is %lld wide, expected a multiple of 64 up to %d", static_cast<long long>(dim), kMaxDim);
    const int texts = run.texts(hidden, starts, kMaxTurned);
    PoolTask task = {hidden.as<float>(), starts.as<int32_t>(), texts, static_cast<int>(dim), mode, nullptr, nullptr};
    if (run.ok() && skips) task.skipped = skipped(run, task.starts, texts);
    task.sentence = run.output<float>(0, {texts, dim}), task.unit = run.output<float>(1, {texts, dim});
    if (run.ok()) kind->pool(task);
  }
};

const Registered<Pool> op;

}  // namespace

const CustomOp* pool_operator() { return &op; }

}  // namespace biolord
