#include "dispatch.h"
#include "operators/registered.h"

namespace biolord {
namespace {

struct Project {
  static constexpr const char* kName = "Project";
  static constexpr ElementType kInputs[] = {kFloat, kFloat, kInt8, kFloat};
  static constexpr ElementType kOutputs[] = {kFloat};
  static constexpr size_t kRequiredInputs = 4;

  const Kind* kind = chosen();
  ProjectTask task = {};

  void create(Node& node) {
    int inputs = 0;
    task.smoothing = node.smoothing(1, &inputs);
    const int64_t outputs = node.constant(3, "columns", kFloat, {3, kAny}).shape[1];
    if (node.ok() && (outputs < 64 || outputs > kMaxDim || outputs % 64))
      node.fail("%lld outputs, expected a multiple of 64 up to %d", static_cast<long long>(outputs), kMaxDim);
    if (node.ok()) task.linear = node.linear(2, 3, 4, "weights", inputs, static_cast<int>(outputs));
  }
  void compute(Run& run) const {
    const Tensor hidden = run.input(0, "hidden", kFloat, {kAny, task.linear.inputs});
    const int64_t tokens = hidden.shape[0];
    if (run.ok() && tokens > (1 << 24)) run.fail("%lld tokens in one run, expected at most %d", static_cast<long long>(tokens), 1 << 24);
    ProjectTask work = task;
    work.x = hidden.as<float>(), work.tokens = static_cast<int>(tokens);
    work.y = run.output<float>(0, {tokens, task.linear.outputs});
    Workers workers = run.workers();
    if (run.ok() && !kind->project(work, workers)) run.fail("out of memory for %lld tokens", static_cast<long long>(tokens));
  }
};

const Registered<Project> op;

}  // namespace

const CustomOp* project_operator() { return &op; }

}  // namespace biolord
