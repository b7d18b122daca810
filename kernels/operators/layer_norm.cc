#include "dispatch.h"
#include "operators/registered.h"

namespace biolord {
namespace {

struct LayerNorm {
  static constexpr const char* kName = "LayerNorm";
  static constexpr ElementType kInputs[] = {kFloat, kFloat};
  static constexpr ElementType kOutputs[] = {kFloat};
  static constexpr size_t kRequiredInputs = 2;

  const Kind* kind = chosen();
  NormTask task = {};

  void create(Node& node) {
    const Affine norm = node.smoothing(1, &task.dim, "norm");
    task.norm = {norm.gain, norm.shift, node.epsilon()};
  }
  void compute(Run& run) const {
    const Tensor hidden = run.input(0, "hidden", kFloat, {kAny, task.dim});
    const int64_t tokens = hidden.shape[0];
    if (run.ok() && tokens > (1 << 24)) run.fail("%lld tokens in one run, expected at most %d", static_cast<long long>(tokens), 1 << 24);
    NormTask work = task;
    work.x = hidden.as<float>(), work.tokens = static_cast<int>(tokens), work.y = run.output<float>(0, {tokens, task.dim});
    if (run.ok()) kind->normalize(work);
  }
};

const Registered<LayerNorm> op;

}  // namespace

const CustomOp* layer_norm_operator() { return &op; }

}  // namespace biolord
