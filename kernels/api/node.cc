#include "api/node.h"

#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "cpu.h"

namespace biolord {
namespace {

// "[3, any, 64]"; n < 0 is any length.
struct ShapeText {
  char text[128];
  ShapeText(const int64_t* shape, size_t rank) {
    size_t used = static_cast<size_t>(snprintf(text, sizeof(text), "["));
    for (size_t i = 0; i < rank && used < sizeof(text) - 24; i++) {
      const char* comma = i ? ", " : "";
      used += static_cast<size_t>(shape[i] < 0 ? snprintf(text + used, sizeof(text) - used, "%sany", comma)
                                               : snprintf(text + used, sizeof(text) - used, "%s%lld", comma, static_cast<long long>(shape[i])));
    }
    snprintf(text + used, sizeof(text) - used, "]");
  }
};
bool fits(const Tensor& tensor, std::initializer_list<int64_t> shape) {
  if (tensor.rank != shape.size()) return false;
  size_t i = 0;
  for (const int64_t length : shape) {
    if (length != kAny && length != tensor.shape[i]) return false;
    i++;
  }
  return true;
}
// How many operators run now, in all sessions of the process. Only time depends on it, not results.
std::atomic<int> under_way{0};

void run_parallel(void* context, void (*work)(void*, size_t), size_t count, void* argument) {
  OrtStatus* status = api().KernelContext_ParallelFor(static_cast<const OrtKernelContext*>(context), work, count, count, argument);
  if (status) api().ReleaseStatus(status);  // run_phases does by itself whatever nobody did
}

}  // namespace

Checked::~Checked() {
  if (status_) api().ReleaseStatus(status_);
}
OrtStatus* Checked::release() {
  OrtStatus* status = status_;
  status_ = nullptr;
  return status;
}
bool Checked::take(OrtStatus* status) {
  if (!status) return true;
  if (status_) api().ReleaseStatus(status);
  else status_ = status;
  return false;
}
void Checked::fail(const char* format, ...) {
  if (status_) return;
  char text[512];
  const int used = snprintf(text, sizeof(text), "biolord.%s: ", op_);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text + used, sizeof(text) - static_cast<size_t>(used), format, arguments);
  va_end(arguments);
  status_ = api().CreateStatus(static_cast<int>(Failure::kInvalidArgument), text);
}

Tensor Checked::read(const OrtValue* value, const char* name) {
  Tensor tensor;
  OrtTensorTypeAndShapeInfo* info = nullptr;
  if (!ok()) return tensor;
  if (!value) fail("input %s is missing", name);
  else if (take(api().GetTensorTypeAndShape(value, &info))) {
    const bool read = take(api().GetTensorElementType(info, &tensor.type)) && take(api().GetDimensionsCount(info, &tensor.rank));
    if (read && tensor.rank > kMaxRank) fail("input %s has %zu dimensions, at most %d are expected", name, tensor.rank, kMaxRank);
    else if (read) take(api().GetDimensions(info, tensor.shape, tensor.rank));
    api().ReleaseTensorTypeAndShapeInfo(info);
  }
  void* data = nullptr;
  if (ok() && take(api().GetTensorMutableData(const_cast<OrtValue*>(value), &data))) tensor.data = data;
  return tensor;
}
void Checked::expect(const Tensor& tensor, const char* name, ElementType type, std::initializer_list<int64_t> shape) {
  if (!ok()) return;
  if (tensor.type != type) fail("input %s has element type %d, expected %d", name, tensor.type, static_cast<int>(type));
  else if (!fits(tensor, shape))
    fail("input %s has shape %s, expected %s", name, ShapeText(tensor.shape, tensor.rank).text, ShapeText(shape.begin(), shape.size()).text);
}

bool Node::has(size_t index) {
  size_t count = 0;
  if (!ok() || !take(api().KernelInfo_GetInputCount(info_, &count)) || index >= count) return false;
  size_t size = 0;  // of the name with its end: one that is left out has an empty name
  return take(api().KernelInfo_GetInputName(info_, index, static_cast<char*>(nullptr), &size)) && size > 1;
}
Tensor Node::constant(size_t index, const char* name, ElementType type, std::initializer_list<int64_t> shape) {
  int constant = 0;
  const OrtValue* value = nullptr;
  if (!ok() || !take(api().KernelInfoGetConstantInput_tensor(info_, index, &constant, &value))) return {};
  if (!constant || !value) {
    fail("input %s must be a constant initializer", name);
    return {};
  }
  const Tensor tensor = read(value, name);
  expect(tensor, name, type, shape);
  return ok() ? tensor : Tensor{};
}
int Node::integer(const char* name, int64_t least, int64_t most) {
  int64_t value = 0;
  if (!ok() || !take(api().KernelInfoGetAttribute_int64(info_, name, &value))) return static_cast<int>(least);
  if (value >= least && value <= most) return static_cast<int>(value);
  fail("attribute %s is %lld, expected %lld to %lld", name, static_cast<long long>(value), static_cast<long long>(least),
       static_cast<long long>(most));
  return static_cast<int>(least);
}
bool Node::optional(const char* name, int64_t* value) {
  OrtStatus* status = api().KernelInfoGetAttribute_int64(info_, name, value);
  if (!status) return true;
  // onnxruntime tells an attribute that isn't there from one of another type by its words alone.
  if (strstr(api().GetErrorMessage(status), "type")) fail("attribute %s is no whole number", name);
  api().ReleaseStatus(status);
  return false;
}
int Node::integer_or(const char* name, int64_t otherwise, int64_t least, int64_t most) {
  int64_t value = 0;
  return optional(name, &value) ? integer(name, least, most) : static_cast<int>(otherwise);
}
int Node::either(const char* name, int usual, int other) {
  int64_t value = usual;
  if (!optional(name, &value) || value == usual || value == other) return static_cast<int>(value);
  fail("attribute %s is %lld, expected %d or %d", name, static_cast<long long>(value), usual, other);
  return usual;
}
float Node::epsilon() {
  float value = 1;
  if (ok() && take(api().KernelInfoGetAttribute_float(info_, "epsilon", &value)) && !(value > 0 && value < 1))
    fail("attribute epsilon is %g, expected a number between 0 and 1", static_cast<double>(value));
  return value;
}

Norm Node::norm(size_t index, int dim, float epsilon) {
  const float* rows = floats(index, "norm", {2, dim});
  return {rows, rows ? rows + dim : rows, epsilon};
}
Affine Node::smoothing(size_t index, int* dim, const char* name) {
  const Tensor tensor = constant(index, name, kFloat, {2, kAny});
  const int64_t width = tensor.shape[1];
  if (ok() && (width < 64 || width > kMaxDim || width % 64))
    fail("input %s is %lld wide, expected a multiple of 64 up to %d", name, static_cast<long long>(width), kMaxDim);
  *dim = ok() ? static_cast<int>(width) : 64;
  return {tensor.as<float>(), tensor.data ? tensor.as<float>() + *dim : nullptr};
}
// Weights of other scales wouldn't fit into 8 bits, and kinds would differ.
void Node::check_scales(const Tensor& scales, const char* name) {
  size_t count = 1, wrong = 0;
  for (size_t i = 0; i < scales.rank; i++) count *= static_cast<size_t>(scales.shape[i]);
  const int8_t* values = scales.as<int8_t>();
  for (size_t i = 0; i < count; i++) wrong += values[i] < 1 || values[i] > 15;
  if (wrong) fail("%zu group scales of %s are outside 1 to 15", wrong, name);
}
int Node::group_of(const Tensor& scales, const char* name, int inputs) {
  if (!ok()) return 8;
  const int64_t groups = scales.shape[scales.rank - 2];
  if (groups > 0 && inputs % groups == 0 && inputs / groups % 8 == 0) {
    check_scales(scales, name);
    return static_cast<int>(inputs / groups);
  }
  fail("group scales of %s are for %lld groups, expected one for a multiple of 8 inputs of %d", name, static_cast<long long>(groups), inputs);
  return 8;
}
Linear Node::linear(size_t packed, size_t columns, size_t scales, const char* name, int inputs, int outputs) {
  Linear linear = {};
  linear.inputs = inputs, linear.outputs = outputs, linear.group = inputs;
  if (has(scales)) {
    const Tensor tensor = constant(scales, name, kInt8, {outputs / 16, kAny, 16});
    linear.group = group_of(tensor, name, inputs);
    linear.group_scales = tensor.as<int8_t>();
  }
  const int inputs_a_line = linear.group_scales ? 8 : 4;
  linear.packed = constant(packed, name, kInt8, {outputs / 16, inputs / inputs_a_line, 16, 4}).as<int8_t>();
  const float* rows = floats(columns, name, {3, outputs});
  if (rows) linear.colsum = rows, linear.scale = rows + outputs, linear.bias = rows + 2 * outputs;
  return linear;
}

Run::Run(const char* op, OrtKernelContext* context) : Checked(op), context_(context) {
  under_way.fetch_add(1, std::memory_order_relaxed);
}
Run::~Run() { under_way.fetch_sub(1, std::memory_order_relaxed); }
Tensor Run::input(size_t index, const char* name, ElementType type, std::initializer_list<int64_t> shape) {
  const OrtValue* value = nullptr;
  if (!ok() || !take(api().KernelContext_GetInput(context_, index, &value))) return {};
  const Tensor tensor = read(value, name);
  expect(tensor, name, type, shape);
  return ok() ? tensor : Tensor{};
}
void* Run::output_data(size_t index, std::initializer_list<int64_t> shape) {
  OrtValue* value = nullptr;
  void* data = nullptr;
  if (!ok() || !take(api().KernelContext_GetOutput(context_, index, shape.begin(), shape.size(), &value))) return nullptr;
  take(api().GetTensorMutableData(value, &data));
  return data;
}
int Run::texts(const Tensor& hidden, const Tensor& starts, int longest) {
  if (!ok()) return 0;
  const int64_t tokens = hidden.shape[0], count = starts.shape[0] - 1;
  const int32_t* at = starts.as<int32_t>();
  if (tokens > (int64_t{1} << 24)) fail("%lld tokens in one run, expected at most %d", static_cast<long long>(tokens), 1 << 24);
  else if (count < 0 || at[0] != 0 || at[count] != tokens)
    fail("starts must go from 0 to the %lld rows of hidden", static_cast<long long>(tokens));
  for (int64_t t = 0; ok() && t < count; t++)
    if (at[t + 1] <= at[t] || at[t + 1] - int64_t{at[t]} > longest)
      fail("text %lld goes from %d to %d, expected 1 to %d tokens", static_cast<long long>(t), at[t], at[t + 1], longest);
  return ok() ? static_cast<int>(count) : 0;
}
// Operators aren't told how many threads the session has, and needn't be: who comes takes part. One thread alone works
// off the parts for so many threads without loss. Runs side by side, of any sessions, get a share of the cores each: as
// many as there are cores keep to a thread each, and none waits for another's.
Workers Run::workers() {
  static std::atomic<int> known{0};
  int cores = known.load(std::memory_order_relaxed);
  if (!cores) known.store(cores = usable_cores() < 16 ? usable_cores() : 16, std::memory_order_relaxed);
  const int share = cores / under_way.load(std::memory_order_relaxed);
  return {run_parallel, context_, share > 1 ? share : 1};
}

}  // namespace biolord
