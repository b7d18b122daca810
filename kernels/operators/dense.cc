#include "dispatch.h"
#include "operators/registered.h"

namespace biolord {
namespace {

struct Dense {
  static constexpr const char* kName = "Dense";
  static constexpr ElementType kInputs[] = {kFloat, kFloat, kFloat};
  static constexpr ElementType kOutputs[] = {kFloat};
  static constexpr size_t kRequiredInputs = 3;

  const Kind* kind = chosen();
  DenseTask task = {};

  void create(Node& node) {
    task.outputs = node.integer("width", 1, kMaxVector);
    task.activation = static_cast<Activation>(node.integer_or("activation", 0, 0, static_cast<int>(Activation::kCount) - 1));
    const int64_t panels = (task.outputs + 15) / 16;
    const Tensor packed = node.constant(1, "packed", kFloat, {panels, kAny, 16});
    const int64_t inputs = packed.shape[1];
    if (node.ok() && (inputs < 1 || inputs > kMaxVector))
      node.fail("input packed has %lld inputs, expected 1 to %d", static_cast<long long>(inputs), kMaxVector);
    task.inputs = static_cast<int>(inputs), task.packed = packed.as<float>();
    task.bias = node.floats(2, "bias", {panels, 16});
  }
  void compute(Run& run) const {
    const Tensor x = run.input(0, "vectors", kFloat, {kAny, task.inputs});
    const int64_t rows = x.shape[0];
    if (run.ok() && rows > INT_MAX) run.fail("input vectors has %lld rows", static_cast<long long>(rows));
    DenseTask mine = task;
    mine.x = x.as<float>(), mine.rows = static_cast<int>(rows), mine.y = run.output<float>(0, {rows, task.outputs});
    if (run.ok()) kind->dense(mine);
  }
};

struct Unit {
  static constexpr const char* kName = "Unit";
  static constexpr ElementType kInputs[] = {kFloat};
  static constexpr ElementType kOutputs[] = {kFloat};
  static constexpr size_t kRequiredInputs = 1;

  const Kind* kind = chosen();

  void create(Node&) {}
  void compute(Run& run) const {
    const Tensor x = run.input(0, "vectors", kFloat, {kAny, kAny});
    const int64_t rows = x.shape[0], width = x.shape[1];
    if (run.ok() && (rows > INT_MAX || width > kMaxVector))
      run.fail("input vectors is %lld by %lld, expected at most %d numbers a row", static_cast<long long>(rows),
               static_cast<long long>(width), kMaxVector);
    float* y = run.output<float>(0, {rows, width});
    if (run.ok()) kind->unit({x.as<float>(), static_cast<int>(rows), static_cast<int>(width), y});
  }
};

const Registered<Dense> dense_op;
const Registered<Unit> unit_op;

}  // namespace

const CustomOp* dense_operator() { return &dense_op; }
const CustomOp* unit_operator() { return &unit_op; }

}  // namespace biolord
