#include "dispatch.h"
#include "operators/groups.h"
#include "operators/registered.h"

namespace biolord {
namespace {

constexpr int kMaxGroups = 32;

struct FeedForward {
  static constexpr const char* kName = "FeedForward";
  static constexpr ElementType kInputs[] = {kFloat, kFloat, kInt8, kFloat, kInt8, kFloat, kFloat, kInt8, kInt8};
  static constexpr ElementType kOutputs[] = {kFloat};
  static constexpr size_t kRequiredInputs = 7;

  const Kind* kind = chosen();
  FeedForwardTask task = {};
  Linear second[kMaxGroups] = {};

  void create(Node& node) {
    task.smoothing = node.smoothing(1, &task.dim);
    const Tensor columns = node.constant(3, "columns of the first layer", kFloat, {3, kAny});
    const int64_t inner = columns.shape[1];
    task.groups = node.integer_or("groups", 1, 1, kMaxGroups);
    if (node.ok() && (inner < 64 || inner > kMaxInner || inner % (64 * int64_t{task.groups})))
      node.fail("%lld inner channels in %d groups, expected groups of a multiple of 64, at most %d channels", static_cast<long long>(inner),
                task.groups, kMaxInner);
    if (node.has(7) != node.has(8)) node.fail("group scales are given for one of two layers, expected both or none");
    if (!node.ok()) return;
    task.first = node.linear(2, 3, 7, "first", task.dim, static_cast<int>(inner));
    task.norm = node.norm(6, task.dim, node.epsilon());
    take_groups(node, {4, 5, 8}, task.dim, task.groups, static_cast<int>(inner) / task.groups, second);
  }
  void compute(Run& run) const {
    const Tensor hidden = run.input(0, "hidden", kFloat, {kAny, task.dim});
    const int64_t tokens = hidden.shape[0];
    if (run.ok() && tokens > (1 << 24)) run.fail("%lld tokens in one run, expected at most %d", static_cast<long long>(tokens), 1 << 24);
    FeedForwardTask work = task;
    work.second = second;
    work.x = hidden.as<float>(), work.tokens = static_cast<int>(tokens), work.y = run.output<float>(0, {tokens, task.dim});
    Workers workers = run.workers();
    if (run.ok() && !kind->feed_forward(work, workers)) run.fail("out of memory for %lld tokens", static_cast<long long>(tokens));
  }
};

const Registered<FeedForward> op;

}  // namespace

const CustomOp* feed_forward_operator() { return &op; }

}  // namespace biolord
