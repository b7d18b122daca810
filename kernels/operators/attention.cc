#include "dispatch.h"
#include "operators/registered.h"

namespace biolord {
namespace {

struct Attention {
  static constexpr const char* kName = "Attention";
  static constexpr ElementType kInputs[] = {kFloat, kInt32, kFloat, kInt8, kFloat, kInt8, kFloat, kFloat, kFloat, kInt8, kInt8};
  static constexpr ElementType kOutputs[] = {kFloat};
  static constexpr size_t kRequiredInputs = 8;

  const Kind* kind = chosen();
  AttentionTask task = {};
  int longest = kMaxLength;

  void create(Node& node) {
    task.smoothing = node.smoothing(2, &task.dim);
    const int dim = task.dim;
    task.heads = node.integer("heads", 1, dim / 16);
    if (node.ok() && (dim % task.heads || dim / task.heads % 16))
      node.fail("attribute heads is %d for %d channels, expected heads of a multiple of 16", task.heads, dim);
    task.value_bits = node.either("value_activation_bits", 8, 16);
    if (node.has(9) != node.has(10)) node.fail("group scales are given for one of two layers, expected both or none");
    task.qkv = node.linear(3, 4, 9, "qkv", dim, 3 * dim);
    task.out = node.linear(5, 6, 10, "out", dim, dim);
    task.norm = node.norm(7, dim, node.epsilon());
    if (node.has(8)) take_bias(node);
  }
  void take_bias(Node& node) {
    const Tensor bias = node.constant(8, "position_bias", kFloat, {task.heads, kAny});
    const int64_t columns = bias.shape[1];
    if (node.ok() && (columns % 2 == 0 || columns < 1 || columns > (1 << 20)))
      node.fail("input position_bias has %lld columns, expected an odd number", static_cast<long long>(columns));
    if (!node.ok()) return;
    task.position_bias = bias.as<float>(), task.positions = static_cast<int>((columns + 1) / 2);
    if (task.positions < longest) longest = task.positions;
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

const Registered<Attention> op;

}  // namespace

const CustomOp* attention_operator() { return &op; }

}  // namespace biolord
