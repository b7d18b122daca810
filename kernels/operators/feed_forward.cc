#include "dispatch.h"
#include "operators/registered.h"

namespace biolord {
namespace {

struct FeedForward {
  static constexpr const char* kName = "FeedForward";
  static constexpr ElementType kInputs[] = {kFloat, kFloat, kInt8, kFloat, kInt8, kFloat, kFloat, kInt32, kInt8, kInt8};
  static constexpr ElementType kOutputs[] = {kFloat};
  static constexpr size_t kRequiredInputs = 8;

  const Kind* kind = chosen();
  FeedForwardTask task = {};
  Linear second[kMaxGroups] = {};

  void create(Node& node) {
    task.smoothing = node.smoothing(1, &task.dim);
    const Tensor columns = node.constant(3, "columns of the first layer", kFloat, {3, kAny});
    const int64_t inner = columns.shape[1];
    if (node.ok() && (inner < 64 || inner > kMaxInner || inner % 64))
      node.fail("%lld inner channels, expected a multiple of 64 up to %d", static_cast<long long>(inner), kMaxInner);
    if (node.has(8) != node.has(9)) node.fail("group scales are given for one of two layers, expected both or none");
    if (!node.ok()) return;
    task.first = node.linear(2, 3, 8, "first", task.dim, static_cast<int>(inner));
    task.norm = node.norm(6, task.dim, node.epsilon());
    take_second(node, static_cast<int>(inner), take_widths(node, static_cast<int>(inner)));
  }
  // The channels of each group; null if they are wrong.
  const int32_t* take_widths(Node& node, int inner) {
    const Tensor widths = node.constant(7, "widths", kInt32, {kAny});
    const int64_t groups = widths.shape[0];
    if (node.ok() && (groups < 1 || groups > kMaxGroups))
      node.fail("input widths has %lld groups, expected 1 to %d", static_cast<long long>(groups), kMaxGroups);
    int64_t sum = 0;
    for (int64_t g = 0; node.ok() && g < groups; g++) {
      const int width = widths.as<int32_t>()[g];
      if (width < 64 || width > kMaxInner || width % 64) node.fail("group %lld is %d wide, expected a multiple of 64", static_cast<long long>(g), width);
      sum += width;
    }
    if (node.ok() && sum != inner) node.fail("groups are %lld wide together, expected %d", static_cast<long long>(sum), inner);
    if (!node.ok()) return nullptr;
    task.groups = static_cast<int>(groups);
    return widths.as<int32_t>();
  }
  void take_second(Node& node, int inner, const int32_t* widths) {
    if (!widths) return;
    const int panels = task.dim / 16;
    Tensor scales;
    int group = 64;
    if (node.has(9)) {
      scales = node.constant(9, "second", kInt8, {kAny, 16});
      group = node.group_of(scales, "second", panels * inner);
    }
    const int line = scales.data ? 8 : 4;
    const int8_t* packed = node.constant(4, "second", kInt8, {panels * (inner / line), 16, 4}).as<int8_t>();
    const float* rows = node.floats(5, "columns of the second layer", {2 * task.groups + 1, task.dim});
    const int8_t* group_scales = scales.as<int8_t>();
    for (int g = 0; node.ok() && g < task.groups; g++) {
      const int width = widths[g];
      if (width % group) return node.fail("group %d is %d wide, its 4-bit weights share scales by %d inputs", g, width, group);
      second[g] = {packed, group_scales, rows + 2 * g * task.dim, rows + (2 * g + 1) * task.dim, rows + 2 * task.groups * task.dim,
                   width, task.dim, group};
      packed += static_cast<size_t>(task.dim) * width * 4 / line;
      if (group_scales) group_scales += static_cast<size_t>(task.dim) * width / group;
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
