#include "dispatch.h"
#include "operators/registered.h"

namespace biolord {
namespace {

struct Pool {
  static constexpr const char* kName = "Pool";
  static constexpr ElementType kInputs[] = {kFloat, kInt32};
  static constexpr ElementType kOutputs[] = {kFloat, kFloat};
  static constexpr size_t kRequiredInputs = 2;

  const Kind* kind = chosen();
  bool first_token = false;

  void create(Node& node) { first_token = node.integer_or("first_token", 0, 0, 1) == 1; }
  void compute(Run& run) const {
    const Tensor hidden = run.input(0, "hidden", kFloat, {kAny, kAny}), starts = run.input(1, "starts", kInt32, {kAny});
    const int64_t dim = hidden.shape[1];
    if (run.ok() && (dim < 64 || dim > kMaxDim || dim % 64))
      run.fail("input hidden is %lld wide, expected a multiple of 64 up to %d", static_cast<long long>(dim), kMaxDim);
    const int texts = run.texts(hidden, starts, kMaxTurned);
    float *sentence = run.output<float>(0, {texts, dim}), *unit = run.output<float>(1, {texts, dim});
    if (run.ok()) kind->pool({hidden.as<float>(), starts.as<int32_t>(), texts, static_cast<int>(dim), first_token, sentence, unit});
  }
};

const Registered<Pool> op;

}  // namespace

const CustomOp* pool_operator() { return &op; }

}  // namespace biolord
