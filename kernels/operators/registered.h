// An operator class as onnxruntime's table of functions. The class has a name, its inputs' and outputs' types, how many
// inputs are required, create(Node&) and compute(Run&).
#pragma once
#include <climits>
#include <cstdlib>
#include <new>
#include <type_traits>

#include "api/node.h"
#include "arena.h"

namespace biolord {

template <class Op>
struct Registered : CustomOp {
  Registered() : CustomOp{} {
    version = kApiVersion;
    GetName = [](const CustomOp*) { return Op::kName; };
    GetExecutionProviderType = [](const CustomOp*) { return "CPUExecutionProvider"; };
    GetInputType = [](const CustomOp*, size_t i) -> int { return Op::kInputs[i]; };
    GetInputTypeCount = [](const CustomOp*) { return sizeof(Op::kInputs) / sizeof(Op::kInputs[0]); };
    GetOutputType = [](const CustomOp*, size_t i) -> int { return Op::kOutputs[i]; };
    GetOutputTypeCount = [](const CustomOp*) { return sizeof(Op::kOutputs) / sizeof(Op::kOutputs[0]); };
    GetInputCharacteristic = [](const CustomOp*, size_t i) -> int { return i < Op::kRequiredInputs ? kRequired : kOptional; };
    GetOutputCharacteristic = [](const CustomOp*, size_t) -> int { return kRequired; };
    GetInputMemoryType = [](const CustomOp*, size_t) { return 0; };
    GetStartVersion = [](const CustomOp*) { return 1; };
    GetEndVersion = [](const CustomOp*) { return INT_MAX; };
    CreateKernelV2 = create;
    KernelComputeV2 = [](void* kernel, OrtKernelContext* context) -> OrtStatus* {
      Run run(Op::kName, context);
      static_cast<const Op*>(kernel)->compute(run);
      return run.release();
    };
    KernelDestroy = [](void* kernel) {
      free(kernel);
      arenas_user_left();
    };
  }
  static OrtStatus* create(const CustomOp*, const OrtApi*, const OrtKernelInfo* info, void** kernel) {
    Node node(Op::kName, info);
    static_assert(std::is_trivially_destructible<Op>::value, "freed as plain memory");
    void* memory = malloc(sizeof(Op));  // not new: nothing of the C++ library is linked
    if (!memory) node.fail("out of memory");
    else (new (memory) Op)->create(node);
    if (node.ok()) {
      arenas_user_came();
      *kernel = memory;
    } else {
      free(memory);
    }
    return node.release();
  }
};

const CustomOp* embed_operator();
const CustomOp* embed_pairs_operator();
const CustomOp* embed_tokens_operator();
const CustomOp* attention_operator();
const CustomOp* feed_forward_operator();
const CustomOp* pool_operator();
const CustomOp* score_operator();
const CustomOp* project_operator();
const CustomOp* layer_norm_operator();
const CustomOp* rotary_attention_operator();
const CustomOp* gated_feed_forward_operator();
const CustomOp* dense_operator();
const CustomOp* unit_operator();

}  // namespace biolord
