#include "dispatch.h"
#include "operators/registered.h"

namespace biolord {
namespace {

struct RotaryAttention {
  static constexpr const char* kName = "RotaryAttention";
  static constexpr ElementType kInputs[] = {kFloat, kInt32, kFloat, kInt8, kFloat, kInt8, kFloat, kFloat, kInt8, kInt8};
  static constexpr ElementType kOutputs[] = {kFloat};
  static constexpr size_t kRequiredInputs = 8;

  const Kind* kind = chosen();
  AttentionTask task = {};
  int longest = kMaxTurned;

  void create(Node& node) {
    const Affine norm = node.smoothing(2, &task.dim, "norm");
    const int dim = task.dim;
    task.norm = {norm.gain, norm.shift, node.epsilon()};
    task.smoothing = norm;  // of a row that is normalized already
    task.norm_place = node.integer_or("normalized", 0, 0, 1) == 1 ? NormPlace::kNowhere : NormPlace::kBefore;
    task.heads = node.integer("heads", 1, dim / 32);
    if (node.ok() && (dim % task.heads || dim / task.heads % 32))
      node.fail("attribute heads is %d for %d channels, expected heads of a multiple of 32", task.heads, dim);
    task.window = node.integer_or("window", kMaxTurned, 0, kMaxTurned);
    task.value_bits = node.either("value_activation_bits", 8, 16);
    if (node.has(8) != node.has(9)) node.fail("group scales are given for one of two layers, expected both or none");
    if (!node.ok()) return;
    task.qkv = node.linear(3, 4, 8, "qkv", dim, 3 * dim);
    task.out = node.linear(5, 6, 9, "out", dim, dim);
    const Tensor turns = node.constant(7, "turns", kFloat, {kAny, dim / task.heads});
    task.turns = turns.as<float>();
    if (node.ok() && turns.shape[0] < longest) longest = static_cast<int>(turns.shape[0]);
  }
  void compute(Run& run) const {
    const Tensor hidden = run.input(0, "hidden", kFloat, {kAny, task.dim}), starts = run.input(1, "starts", kInt32, {kAny});
    AttentionTask work = task;
    work.texts = run.texts(hidden, starts, longest);
    work.x = hidden.as<float>(), work.starts = starts.as<int32_t>(), work.y = run.output<float>(0, {hidden.shape[0], task.dim});
    Workers workers = run.workers();
    if (run.ok() && !kind->attention(work, workers)) run.fail("out of memory for %lld tokens", static_cast<long long>(hidden.shape[0]));
  }
};

const Registered<RotaryAttention> op;

}  // namespace

const CustomOp* rotary_attention_operator() { return &op; }

}  // namespace biolord
