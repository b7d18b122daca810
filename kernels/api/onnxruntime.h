// The part of onnxruntime's C interface that custom operators need, declared here: no Linux package ships the header.
//
// OrtApi is a table of functions that only grows, so a slot's number is part of the interface. These are slots of
// version 17 (onnxruntime 1.17), the first with ParallelFor; OrtCustomOp is laid out as in that version.
#pragma once
#include <cstddef>
#include <cstdint>

struct OrtStatus;
struct OrtSessionOptions;
struct OrtCustomOpDomain;
struct OrtKernelInfo;
struct OrtKernelContext;
struct OrtValue;
struct OrtTensorTypeAndShapeInfo;
struct OrtApi;  // void* [416 and more]

struct OrtApiBase {
  const OrtApi* (*GetApi)(uint32_t version);
  const char* (*GetVersionString)();
};

namespace biolord {

constexpr uint32_t kApiVersion = 17;
enum class Failure : int { kFail = 1, kInvalidArgument = 2, kInvalidGraph = 10 };  // OrtErrorCode
enum ElementType : int { kUndefined = 0, kFloat = 1, kInt8 = 3, kInt32 = 6, kInt64 = 7 };
enum Presence : int { kRequired = 0, kOptional = 1 };

// OrtCustomOp of version 17.
struct CustomOp {
  uint32_t version;
  void* (*CreateKernel)(const CustomOp*, const OrtApi*, const OrtKernelInfo*);
  const char* (*GetName)(const CustomOp*);
  const char* (*GetExecutionProviderType)(const CustomOp*);
  int (*GetInputType)(const CustomOp*, size_t);
  size_t (*GetInputTypeCount)(const CustomOp*);
  int (*GetOutputType)(const CustomOp*, size_t);
  size_t (*GetOutputTypeCount)(const CustomOp*);
  void (*KernelCompute)(void*, OrtKernelContext*);
  void (*KernelDestroy)(void*);
  int (*GetInputCharacteristic)(const CustomOp*, size_t);
  int (*GetOutputCharacteristic)(const CustomOp*, size_t);
  int (*GetInputMemoryType)(const CustomOp*, size_t);
  int (*GetVariadicInputMinArity)(const CustomOp*);
  int (*GetVariadicInputHomogeneity)(const CustomOp*);
  int (*GetVariadicOutputMinArity)(const CustomOp*);
  int (*GetVariadicOutputHomogeneity)(const CustomOp*);
  OrtStatus* (*CreateKernelV2)(const CustomOp*, const OrtApi*, const OrtKernelInfo*, void**);
  OrtStatus* (*KernelComputeV2)(void*, OrtKernelContext*);
  OrtStatus* (*InferOutputShape)(const CustomOp*, void*);
  int (*GetStartVersion)(const CustomOp*);
  int (*GetEndVersion)(const CustomOp*);
  void* more[4];  // of version 18: in place and alias maps, none
};

// Functions of OrtApi by their slots.
class Api {
 public:
  explicit Api(const OrtApi* table) : slots_(reinterpret_cast<void* const*>(table)) {}
  bool ok() const { return slots_ != nullptr; }
#define SLOT(number, result, name, ...) \
  template <class... A>                 \
  result name(A... arguments) const { return reinterpret_cast<result (*)(__VA_ARGS__)>(slots_[number])(arguments...); }
  SLOT(0, OrtStatus*, CreateStatus, int, const char*)
  SLOT(2, const char*, GetErrorMessage, const OrtStatus*)
  SLOT(26, OrtStatus*, CreateCustomOpDomain, const char*, OrtCustomOpDomain**)
  SLOT(27, OrtStatus*, CustomOpDomain_Add, OrtCustomOpDomain*, const CustomOp*)
  SLOT(28, OrtStatus*, AddCustomOpDomain, OrtSessionOptions*, OrtCustomOpDomain*)
  SLOT(51, OrtStatus*, GetTensorMutableData, OrtValue*, void**)
  SLOT(60, OrtStatus*, GetTensorElementType, const OrtTensorTypeAndShapeInfo*, int*)
  SLOT(61, OrtStatus*, GetDimensionsCount, const OrtTensorTypeAndShapeInfo*, size_t*)
  SLOT(62, OrtStatus*, GetDimensions, const OrtTensorTypeAndShapeInfo*, int64_t*, size_t)
  SLOT(65, OrtStatus*, GetTensorTypeAndShape, const OrtValue*, OrtTensorTypeAndShapeInfo**)
  SLOT(85, OrtStatus*, KernelInfoGetAttribute_float, const OrtKernelInfo*, const char*, float*)
  SLOT(86, OrtStatus*, KernelInfoGetAttribute_int64, const OrtKernelInfo*, const char*, int64_t*)
  SLOT(90, OrtStatus*, KernelContext_GetInput, const OrtKernelContext*, size_t, const OrtValue**)
  SLOT(91, OrtStatus*, KernelContext_GetOutput, OrtKernelContext*, size_t, const int64_t*, size_t, OrtValue**)
  SLOT(93, void, ReleaseStatus, OrtStatus*)
  SLOT(99, void, ReleaseTensorTypeAndShapeInfo, OrtTensorTypeAndShapeInfo*)
  SLOT(101, void, ReleaseCustomOpDomain, OrtCustomOpDomain*)
  SLOT(230, OrtStatus*, KernelInfo_GetInputCount, const OrtKernelInfo*, size_t*)
  SLOT(232, OrtStatus*, KernelInfo_GetInputName, const OrtKernelInfo*, size_t, char*, size_t*)
  SLOT(249, OrtStatus*, KernelInfoGetConstantInput_tensor, const OrtKernelInfo*, size_t, int*, const OrtValue**)
  SLOT(274, OrtStatus*, KernelContext_ParallelFor, const OrtKernelContext*, void (*)(void*, size_t), size_t, size_t, void*)
#undef SLOT

 private:
  void* const* slots_;
};

Api api();  // of the process, set at registration

}  // namespace biolord
