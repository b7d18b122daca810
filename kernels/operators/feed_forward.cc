#include "dispatch.h"
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
    take_second(node, static_cast<int>(inner) / task.groups);
  }
  void take_second(Node& node, int width) {
    const int dim = task.dim, groups = task.groups;
    Tensor scales;
    int group = width;
    if (node.has(8)) {
      scales = node.constant(8, "second", kInt8, {groups, dim / 16, kAny, 16});
      group = node.group_of(scales, "second", width);
    }
    const int line = scales.data ? 8 : 4;
    const int8_t* packed = node.constant(4, "second", kInt8, {groups, dim / 16, width / line, 16, 4}).as<int8_t>();
    const float* rows = node.floats(5, "columns of the second layer", {2 * groups + 1, dim});
    if (!node.ok()) return;
    for (int g = 0; g < groups; g++) {
      const size_t size = static_cast<size_t>(dim) * width;
      second[g] = {packed + g * size * 4 / static_cast<size_t>(line),
                   scales.data ? scales.as<int8_t>() + g * size / static_cast<size_t>(group) : nullptr,
                   rows + 2 * g * dim, rows + (2 * g + 1) * dim, rows + 2 * groups * dim, width, dim, group};
    }
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
