#include "dispatch.h"
#include "operators/groups.h"
#include "operators/registered.h"

namespace biolord {
namespace {

constexpr int kMaxGated = 48;  // ModernBERT-large has 41 times 64 channels

struct GatedFeedForward {
  static constexpr const char* kName = "GatedFeedForward";
  static constexpr ElementType kInputs[] = {kFloat, kFloat, kInt8, kFloat, kInt8, kFloat, kInt8, kInt8};
  static constexpr ElementType kOutputs[] = {kFloat};
  static constexpr size_t kRequiredInputs = 6;

  const Kind* kind = chosen();
  GatedFeedForwardTask task = {};
  Linear second[kMaxGated] = {};

  void create(Node& node) {
    const Affine norm = node.smoothing(1, &task.dim, "norm");
    task.norm = {norm.gain, norm.shift, node.epsilon()};
    const Tensor columns = node.constant(3, "columns of the first layer", kFloat, {3, kAny});
    const int64_t outputs = columns.shape[1];
    task.groups = node.integer_or("groups", 1, 1, kMaxGated);
    if (node.ok() && (outputs < 128 || outputs > 2 * kMaxInner || outputs % (128 * int64_t{task.groups})))
      node.fail("%lld inner channels and gates in %d groups, expected groups of a multiple of 64 channels, at most %d channels",
                static_cast<long long>(outputs), task.groups, kMaxInner);
    if (node.has(6) != node.has(7)) node.fail("group scales are given for one of two layers, expected both or none");
    if (!node.ok()) return;
    task.first = node.linear(2, 3, 6, "first", task.dim, static_cast<int>(outputs));
    take_groups(node, {4, 5, 7}, task.dim, task.groups, static_cast<int>(outputs) / 2 / task.groups, second);
  }
  void compute(Run& run) const {
    const Tensor hidden = run.input(0, "hidden", kFloat, {kAny, task.dim});
    const int64_t tokens = hidden.shape[0];
    if (run.ok() && tokens > (1 << 24)) run.fail("%lld tokens in one run, expected at most %d", static_cast<long long>(tokens), 1 << 24);
    GatedFeedForwardTask work = task;
    work.second = second;
    work.x = hidden.as<float>(), work.tokens = static_cast<int>(tokens), work.y = run.output<float>(0, {tokens, task.dim});
    Workers workers = run.workers();
    if (run.ok() && !kind->gated_feed_forward(work, workers)) run.fail("out of memory for %lld tokens", static_cast<long long>(tokens));
  }
};

const Registered<GatedFeedForward> op;

}  // namespace

const CustomOp* gated_feed_forward_operator() { return &op; }

}  // namespace biolord
