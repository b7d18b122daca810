// A node's tensors and attributes, checked before anything is read: what a hostile graph may say.
#pragma once
#include <initializer_list>

#include "api/onnxruntime.h"
#include "kernels.h"

namespace biolord {

constexpr int64_t kAny = -1;  // in an expected shape: any length
constexpr int kMaxRank = 6;

struct Tensor {
  const void* data = nullptr;
  int type = kUndefined;
  size_t rank = 0;
  int64_t shape[kMaxRank] = {};
  template <class T>
  const T* as() const { return static_cast<const T*>(data); }
};

// The first thing that is wrong, as onnxruntime's status; everything after it is skipped.
class Checked {
 public:
  explicit Checked(const char* op) : op_(op) {}
  ~Checked();
  Checked(const Checked&) = delete;
  Checked& operator=(const Checked&) = delete;
  bool ok() const { return status_ == nullptr; }
  bool take(OrtStatus* status);  // false: it is an error, now held
  void fail(const char* format, ...) __attribute__((format(printf, 2, 3)));
  OrtStatus* release();  // null: all is well

 protected:
  Tensor read(const OrtValue* value, const char* name);
  void expect(const Tensor& tensor, const char* name, ElementType type, std::initializer_list<int64_t> shape);

 private:
  const char* op_;
  OrtStatus* status_ = nullptr;
};

// A node when its kernel is created: attributes and constant inputs.
class Node : public Checked {
 public:
  Node(const char* op, const OrtKernelInfo* info) : Checked(op), info_(info) {}
  bool has(size_t index);  // whether an optional input is given
  Tensor constant(size_t index, const char* name, ElementType type, std::initializer_list<int64_t> shape);
  const float* floats(size_t index, const char* name, std::initializer_list<int64_t> shape) {
    return constant(index, name, kFloat, shape).as<float>();
  }
  int integer(const char* name, int64_t least, int64_t most);
  int integer_or(const char* name, int64_t otherwise, int64_t least, int64_t most);
  int either(const char* name, int usual, int other);  // one of two numbers, the first where it isn't given
  float epsilon();

  // Tensors that several operators share; see README.md.
  Norm norm(size_t index, int dim, float epsilon);
  Affine smoothing(size_t index, int* dim, const char* name = "smoothing");  // tells the width
  // `scales`: the index of the optional group scales.
  Linear linear(size_t packed, size_t columns, size_t scales, const char* name, int inputs, int outputs);
  int group_of(const Tensor& scales, const char* name, int inputs);

 private:
  void check_scales(const Tensor& scales, const char* name);
  bool optional(const char* name, int64_t* value);  // whether a whole number of that name is given
  const OrtKernelInfo* info_;
};

// A node's run: its inputs and outputs.
class Run : public Checked {
 public:
  Run(const char* op, OrtKernelContext* context);
  ~Run();
  Tensor input(size_t index, const char* name, ElementType type, std::initializer_list<int64_t> shape);
  template <class T>
  T* output(size_t index, std::initializer_list<int64_t> shape) { return static_cast<T*>(output_data(index, shape)); }
  // Checks that the texts fill the hidden rows; returns how many there are.
  int texts(const Tensor& hidden, const Tensor& starts, int longest);
  Workers workers();

 private:
  void* output_data(size_t index, std::initializer_list<int64_t> shape);
  OrtKernelContext* context_;
};

}  // namespace biolord
