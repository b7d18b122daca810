#include "dispatch.h"
#include "operators/registered.h"

namespace biolord {
namespace {

struct Score {
  static constexpr const char* kName = "Score";
  static constexpr ElementType kInputs[] = {kFloat, kInt32, kFloat, kFloat, kFloat, kFloat};
  static constexpr ElementType kOutputs[] = {kFloat};
  static constexpr size_t kRequiredInputs = 6;

  const Kind* kind = chosen();
  ScoreTask task = {};

  void create(Node& node) {
    const Tensor dense = node.constant(2, "dense", kFloat, {kAny, kAny});
    const int64_t dim = dense.shape[1];
    if (node.ok() && (dim < 64 || dim > kMaxDim || dim % 64))
      node.fail("input dense is %lld wide, expected a multiple of 64 up to %d", static_cast<long long>(dim), kMaxDim);
    if (!node.ok()) return;
    task.dim = static_cast<int>(dim);
    task.dense = node.floats(2, "dense", {dim, dim}), task.dense_bias = node.floats(3, "dense_bias", {dim});
    task.output = node.floats(4, "output", {dim}), task.output_bias = node.floats(5, "output_bias", {1});
    task.activation = static_cast<HeadActivation>(node.integer_or("activation", 0, 0, 2));
  }
  void compute(Run& run) const {
    const Tensor hidden = run.input(0, "hidden", kFloat, {kAny, task.dim}), starts = run.input(1, "starts", kInt32, {kAny});
    const int texts = run.texts(hidden, starts, kMaxLength);
    ScoreTask work = task;
    work.x = hidden.as<float>(), work.starts = starts.as<int32_t>(), work.texts = texts;
    work.logits = run.output<float>(0, {texts, 1});
    if (run.ok()) kind->score(work);
  }
};

const Registered<Score> op;

}  // namespace

const CustomOp* score_operator() { return &op; }

}  // namespace biolord
