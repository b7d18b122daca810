// A fuzzer for the operators' checks: graphs of random shapes, types, attributes and inputs, some valid, most not, on a
// stand-in for onnxruntime whose tensors end where their memory ends. Built with the address and undefined-behavior
// sanitizers, which stop at any access beyond it. What runs, runs twice, with other bytes in scratch memory and outputs:
// results must not depend on what they held. Arguments: how many graphs, and a seed.
#include <cmath>
#include <cstdarg>
#include <new>

#include "api/node.h"
#include "arena.h"
#include "operators/registered.h"
#include "tests/model.h"

using namespace biolord;

// ---- the stand-in -------------------------------------------------------------------------------------------------

struct OrtStatus {
  char text[512];
};
struct OrtTensorTypeAndShapeInfo {
  int type;
  size_t rank;
  int64_t shape[8];
};
struct OrtValue {
  OrtTensorTypeAndShapeInfo info;
  void* data = nullptr;
  bool constant = false, given = false;
};
constexpr size_t kMaxInputs = 16;
constexpr int kIntegers = 9;  // attributes; epsilon is counted behind them
struct Graph {
  OrtValue inputs[kMaxInputs], outputs[2];
  size_t count = 0;
  int64_t heads = 0, groups = 0, first_position = 0, mode = 0, value_bits = 0, window = 0, normalized = 0, width = 0, activation = 0;
  float epsilon = 0;
  int missing = 0, mistyped = 0;  // bits of attributes that aren't given, or of another type
};

static int soil = 0;  // the byte that new memory is full of
static void soil_scratch() {
  constexpr size_t kBytes = size_t{1} << 20;  // what graphs of these sizes take at once, at most
  Arena blocks[] = {Arena(kBytes), Arena(kBytes), Arena(kBytes)};
  for (Arena& block : blocks) memset(block.take<uint8_t>(0), soil, kBytes);
}

static size_t size_of(int type) { return type == kInt64 ? 8 : type == kInt8 ? 1 : 4; }
static size_t elements(const OrtTensorTypeAndShapeInfo& info) {
  size_t count = 1;
  for (size_t i = 0; i < info.rank; i++) count *= static_cast<size_t>(info.shape[i]);
  return count;
}
static OrtStatus* problem(int, const char* text) {
  OrtStatus* status = new OrtStatus;
  snprintf(status->text, sizeof(status->text), "%s", text);
  return status;
}
static const Graph& graph_of(const void* handle) { return *static_cast<const Graph*>(handle); }
static OrtStatus* attribute_int(const OrtKernelInfo* info, const char* name, int64_t* value) {
  const Graph& g = graph_of(info);
  const char* names[kIntegers] = {"heads",  "groups",     "first_position", "mode", "value_activation_bits",
                                  "window", "normalized", "width",          "activation"};
  const int64_t values[kIntegers] = {g.heads, g.groups, g.first_position, g.mode, g.value_bits, g.window, g.normalized, g.width, g.activation};
  for (int i = 0; i < kIntegers; i++)
    if (!strcmp(name, names[i])) {
      if (g.missing >> i & 1) break;
      if (g.mistyped >> i & 1) return problem(1, "Attribute name and type don't match");
      return *value = values[i], nullptr;
    }
  return problem(1, "No attribute with that name is defined.");
}
static OrtStatus* attribute_float(const OrtKernelInfo* info, const char*, float* value) {
  if (graph_of(info).missing >> kIntegers & 1) return problem(1, "no such attribute");
  *value = graph_of(info).epsilon;
  return nullptr;
}
static OrtStatus* tensor_data(OrtValue* value, void** data) { return *data = value->data, nullptr; }
static OrtStatus* tensor_info(const OrtValue* value, OrtTensorTypeAndShapeInfo** info) {
  *info = new OrtTensorTypeAndShapeInfo(value->info);
  return nullptr;
}
static OrtStatus* element_type(const OrtTensorTypeAndShapeInfo* info, int* type) { return *type = info->type, nullptr; }
static OrtStatus* rank(const OrtTensorTypeAndShapeInfo* info, size_t* count) { return *count = info->rank, nullptr; }
static OrtStatus* dimensions(const OrtTensorTypeAndShapeInfo* info, int64_t* shape, size_t count) {
  for (size_t i = 0; i < count; i++) shape[i] = info->shape[i];
  return nullptr;
}
static OrtStatus* input_value(const OrtKernelContext* context, size_t i, const OrtValue** value) {
  const Graph& g = graph_of(context);
  *value = i < g.count && g.inputs[i].given ? &g.inputs[i] : nullptr;
  return nullptr;
}
static OrtStatus* output_value(OrtKernelContext* context, size_t i, const int64_t* shape, size_t count, OrtValue** value) {
  OrtValue& output = reinterpret_cast<Graph*>(context)->outputs[i];
  output.info = {kFloat, count, {}};
  for (size_t d = 0; d < count; d++) output.info.shape[d] = shape[d];
  free(output.data);
  output.data = malloc(elements(output.info) * 4);
  memset(output.data, soil, elements(output.info) * 4);
  *value = &output;
  return nullptr;
}
static OrtStatus* input_count(const OrtKernelInfo* info, size_t* count) { return *count = graph_of(info).count, nullptr; }
static OrtStatus* input_name(const OrtKernelInfo* info, size_t i, char*, size_t* size) {
  *size = graph_of(info).inputs[i].given ? 2 : 1;
  return nullptr;
}
static OrtStatus* constant_input(const OrtKernelInfo* info, size_t i, int* constant, const OrtValue** value) {
  const Graph& g = graph_of(info);
  const bool has = i < g.count && g.inputs[i].given && g.inputs[i].constant;
  *constant = has, *value = has ? &g.inputs[i] : nullptr;
  return nullptr;
}
static OrtStatus* parallel_for(const OrtKernelContext*, void (*work)(void*, size_t), size_t count, size_t, void* argument) {
  for (size_t i = 0; i < count; i++) work(argument, i);
  return nullptr;
}
static void* slots[300];
namespace biolord {
Api api() { return Api(reinterpret_cast<const OrtApi*>(slots)); }
}  // namespace biolord
template <class F>
static void slot(int number, F* function) { slots[number] = reinterpret_cast<void*>(function); }
static void fill_slots() {
  slot(0, problem), slot(2, +[](const OrtStatus* status) -> const char* { return status->text; });
  slot(51, tensor_data), slot(60, element_type), slot(61, rank), slot(62, dimensions), slot(65, tensor_info);
  slot(85, attribute_float), slot(86, attribute_int), slot(90, input_value), slot(91, output_value);
  slot(93, +[](OrtStatus* status) { delete status; });
  slot(99, +[](OrtTensorTypeAndShapeInfo* info) { delete info; });
  slot(230, input_count), slot(232, input_name), slot(249, constant_input), slot(274, parallel_for);
}

// ---- graphs -------------------------------------------------------------------------------------------------------

struct Fuzzer {
  Random random;
  Graph g;
  int hostile = 0;  // chance in a thousand that a number is another one

  bool sometimes() { return random.whole(0, 999) < hostile; }
  int64_t perhaps(int64_t value) {
    static const int64_t odd[] = {0, 1, -1, 3, 16, 63, 65, 128, 1 << 20, int64_t{1} << 40};
    if (!sometimes()) return value;
    return random.whole(0, 2) ? value + random.whole(-2, 2) : odd[random.whole(0, 9)];
  }
  // Adds an input of exactly its size; what is too large to be made is made small.
  OrtValue& input(int type, bool constant, std::initializer_list<int64_t> shape) {
    OrtValue& value = g.inputs[g.count++];
    value.info = {sometimes() ? static_cast<int>(kInt64) : type, 0, {}};
    value.constant = constant && !sometimes(), value.given = !sometimes();
    for (int64_t length : shape) {
      length = perhaps(length);
      value.info.shape[value.info.rank++] = length < 0 || length > 4096 ? 2 : length;
    }
    if (sometimes()) value.info.rank = static_cast<size_t>(random.whole(0, 8));
    for (size_t i = shape.size(); i < value.info.rank; i++) value.info.shape[i] = 1;
    const size_t count = elements(value.info);
    value.data = malloc(count * size_of(value.info.type));
    for (size_t i = 0; i < count; i++) set(value, i);
    return value;
  }
  void set(OrtValue& value, size_t i) {
    if (value.info.type == kFloat) static_cast<float*>(value.data)[i] = sometimes() ? NAN : random.uniform();
    else if (value.info.type == kInt8) static_cast<int8_t*>(value.data)[i] = static_cast<int8_t>(random.whole(-128, 127));
    else if (value.info.type == kInt32) static_cast<int32_t*>(value.data)[i] = random.whole(0, 40);
    else static_cast<int64_t*>(value.data)[i] = 1;
  }
  void none() { g.count++; }
  void starts(const OrtValue& hidden) {
    const int rows = hidden.info.rank ? static_cast<int>(hidden.info.shape[0]) : 0, texts = rows ? random.whole(1, rows < 6 ? rows : 6) : 0;
    OrtValue& value = input(kInt32, false, {texts + 1});
    if (value.info.type != kInt32 || value.info.rank != 1 || value.info.shape[0] != texts + 1) return;
    for (int t = 0; t <= texts; t++) static_cast<int32_t*>(value.data)[t] = static_cast<int32_t>(perhaps(t == texts ? rows : t * (rows / (texts ? texts : 1))));
  }
  void scales(std::initializer_list<int64_t> shape) {
    OrtValue& value = input(kInt8, true, shape);
    if (value.info.type != kInt8) return;
    for (size_t i = 0; i < elements(value.info); i++) static_cast<int8_t*>(value.data)[i] = static_cast<int8_t>(sometimes() ? 16 : random.whole(1, 15));
  }
  void linear(int inputs, int outputs, bool bits4) {
    input(kInt8, true, {outputs / 16, inputs / (bits4 ? 8 : 4), 16, 4});
    input(kFloat, true, {3, outputs});
  }
  void attributes(int64_t heads, int64_t groups) {
    g.heads = perhaps(heads), g.groups = perhaps(groups), g.first_position = perhaps(0), g.mode = perhaps(random.whole(0, 5));
    g.activation = perhaps(random.whole(0, 18));
    g.epsilon = sometimes() ? NAN : 1e-5f, g.value_bits = perhaps(8 * random.whole(1, 2));
    g.missing = sometimes() ? random.whole(0, 1023) : 0, g.mistyped = sometimes() ? random.whole(0, 511) : 0;
    g.window = perhaps(random.whole(0, 40)), g.normalized = perhaps(random.whole(0, 1));
  }
  void embed(int dim) {
    const int batch = random.whole(1, 4), length = random.whole(1, 20);
    input(kInt64, false, {batch, length}), input(kInt64, false, {batch, length});
    if (sometimes() && g.inputs[0].info.type == kInt64 && elements(g.inputs[0].info)) static_cast<int64_t*>(g.inputs[0].data)[0] = perhaps(50);
    if (sometimes() && g.inputs[1].info.type == kInt64 && elements(g.inputs[1].info)) static_cast<int64_t*>(g.inputs[1].data)[0] = perhaps(0);
    input(kInt8, true, {50, dim}), input(kFloat, true, {50, dim / 64}), input(kFloat, true, {random.whole(20, 30), dim});
    input(kFloat, true, {2, dim});
  }
  void attention(int dim, int heads, bool bits4) {
    const OrtValue& hidden = input(kFloat, false, {random.whole(1, 70), dim});
    starts(hidden);
    input(kFloat, true, {2, dim});
    linear(dim, 3 * dim, bits4), linear(dim, dim, bits4);
    input(kFloat, true, {2, dim});
    if (random.whole(0, 1)) input(kFloat, true, {heads, 2 * random.whole(70, 80) - 1});
    else none();
    if (bits4) scales({3 * dim / 16, dim / 32, 16}), scales({dim / 16, dim / 32, 16});
  }
  void feed_forward(int dim, int groups, bool bits4) {
    int widths[4], inner = 0;
    for (int i = 0; i < groups; i++) inner += widths[i] = 64 * random.whole(1, 2);
    input(kFloat, false, {random.whole(0, 70), dim}), input(kFloat, true, {2, dim});
    linear(dim, inner, bits4);
    input(kInt8, true, {dim / 16 * inner / (bits4 ? 8 : 4), 16, 4}), input(kFloat, true, {2 * groups + 1, dim});
    input(kFloat, true, {2, dim});
    OrtValue& value = input(kInt32, true, {groups});
    if (value.info.type == kInt32)
      for (size_t i = 0; i < elements(value.info); i++) static_cast<int32_t*>(value.data)[i] = static_cast<int32_t>(perhaps(widths[i % 4]));
    if (bits4) scales({inner / 16, dim / 32, 16}), scales({dim / 16 * inner / 32, 16});
  }
  void embed_tokens(int dim) {
    const int batch = random.whole(1, 4), length = random.whole(1, 20);
    input(kInt64, false, {batch, length}), input(kInt64, false, {batch, length});
    input(kInt8, true, {50, dim}), input(kFloat, true, {50, dim / 64}), input(kFloat, true, {2, dim});
  }
  void project(int dim) {
    input(kFloat, false, {random.whole(0, 70), dim}), input(kFloat, true, {2, dim});
    linear(dim, 64 * random.whole(1, 3), false);
  }
  void layer_norm(int dim) { input(kFloat, false, {random.whole(0, 70), dim}), input(kFloat, true, {2, dim}); }
  void rotary_attention(int dim, int heads, bool bits4) {
    starts(input(kFloat, false, {random.whole(1, 70), dim}));
    input(kFloat, true, {2, dim});
    linear(dim, 3 * dim, bits4), linear(dim, dim, bits4);
    input(kFloat, true, {random.whole(70, 80), dim / heads});
    if (bits4) scales({3 * dim / 16, dim / 32, 16}), scales({dim / 16, dim / 32, 16});
  }
  void gated_feed_forward(int dim, int groups, bool bits4) {
    const int inner = 64 * groups * random.whole(1, 2), width = inner / groups;
    input(kFloat, false, {random.whole(0, 70), dim}), input(kFloat, true, {2, dim});
    linear(dim, 2 * inner, bits4);
    input(kInt8, true, {groups, dim / 16, width / (bits4 ? 8 : 4), 16, 4}), input(kFloat, true, {2 * groups + 1, dim});
    if (bits4) scales({2 * inner / 16, dim / 32, 16}), scales({groups, dim / 16, width / 32, 16});
  }
  void pool(int dim) {
    starts(input(kFloat, false, {random.whole(1, 30), dim}));
    if (random.whole(0, 1)) return;
    OrtValue& value = input(kInt64, false, {1});
    if (value.info.type == kInt64 && elements(value.info)) static_cast<int64_t*>(value.data)[0] = perhaps(0);
  }
  void dense() {
    const int inputs = random.whole(1, 80), outputs = random.whole(1, 70), panels = (outputs + 15) / 16;
    input(kFloat, false, {random.whole(0, 9), inputs}), input(kFloat, true, {panels, inputs, 16}), input(kFloat, true, {panels, 16});
    g.width = perhaps(outputs);
  }
  // Makes a graph, its kernel, and a run; true if it was valid.
  bool once() {
    g = Graph();
    hostile = random.whole(0, 3) ? random.whole(1, 60) : 0;
    const int dim = 64 * random.whole(1, 3), heads = dim / 16 / random.whole(1, 2) / random.whole(1, 2), groups = random.whole(1, 3);
    const bool bits4 = random.whole(0, 1);
    const CustomOp* ops[] = {embed_operator(),   attention_operator(),  feed_forward_operator(),     pool_operator(),
                             embed_tokens_operator(), project_operator(), layer_norm_operator(), rotary_attention_operator(),
                             gated_feed_forward_operator(), dense_operator(), unit_operator()};
    const int which = random.whole(0, 10), wide_heads = dim / 32;
    if (which == 0) embed(dim);
    if (which == 1) attention(dim, heads, bits4);
    if (which == 2) feed_forward(dim, groups, bits4);
    if (which == 3) pool(dim);
    if (which == 4) embed_tokens(dim);
    if (which == 5) project(dim);
    if (which == 6) layer_norm(dim);
    if (which == 7) rotary_attention(dim, wide_heads, bits4);
    if (which == 8) gated_feed_forward(dim, groups, bits4);
    if (which == 9) dense();
    if (which == 10) input(kFloat, false, {random.whole(0, 9), random.whole(1, 80)});
    attributes(which == 7 ? wide_heads : heads, groups);
    const bool valid = run(ops[which]);
    for (OrtValue& value : g.inputs) free(value.data);
    for (OrtValue& value : g.outputs) free(value.data);
    return valid;
  }
  OrtStatus* compute(const CustomOp* op, void* kernel, int byte) {
    soil = byte;
    soil_scratch();
    return op->KernelComputeV2(kernel, reinterpret_cast<OrtKernelContext*>(&g));
  }
  void compute_again(const CustomOp* op, void* kernel) {
    OrtValue before[2];
    for (int i = 0; i < 2; i++) before[i] = g.outputs[i], g.outputs[i].data = nullptr;
    if (compute(op, kernel, 0xff)) fprintf(stderr, "refused the second time\n"), abort();
    for (int i = 0; i < 2; i++) {
      const OrtValue& after = g.outputs[i];
      if (after.data && memcmp(before[i].data, after.data, elements(after.info) * 4))
        fprintf(stderr, "%s: what memory held before is in the result\n", op->GetName(op)), abort();
      free(before[i].data);
    }
  }
  bool run(const CustomOp* op) {
    void* kernel = nullptr;
    OrtStatus* status = op->CreateKernelV2(op, nullptr, reinterpret_cast<const OrtKernelInfo*>(&g), &kernel);
    if (!status) {
      status = compute(op, kernel, 0);
      if (!status) compute_again(op, kernel);
      op->KernelDestroy(kernel);
    }
    const bool valid = !status;
    if (status && strchr(status->text, '\n')) abort();  // one line
    if (status && !hostile && !strstr(status->text, "heads")) fprintf(stderr, "refused though valid: %s\n", status->text), abort();
    delete status;
    return valid;
  }
};

int main(int count, char** arguments) {
  fill_slots();
  const int rounds = count > 1 ? atoi(arguments[1]) : 1000;
  Fuzzer fuzzer;
  for (int i = count > 2 ? atoi(arguments[2]) : 0; i > 0; i--) fuzzer.random.next();
  for (int k = 0; const Kind* kind = kind_at(k); k++) {
    use(kind);
    int valid = 0;
    for (int i = 0; i < rounds; i++) valid += fuzzer.once();
    printf("%s: %d graphs, %d of them valid\n", kind->name, rounds, valid);
  }
}
