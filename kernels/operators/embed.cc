#include "dispatch.h"
#include "operators/registered.h"

namespace biolord {
namespace {

// Positions are added where there is a table of them; token types stand beside ids and mask where there is one of those.
struct Placed {
  static constexpr const char* kName = "Embed";
  static constexpr ElementType kInputs[] = {kInt64, kInt64, kInt8, kFloat, kFloat, kFloat};
  static constexpr bool kPlaced = true, kTyped = false;
};
struct Pairs {
  static constexpr const char* kName = "EmbedPairs";
  static constexpr ElementType kInputs[] = {kInt64, kInt64, kInt64, kInt8, kFloat, kFloat, kFloat, kFloat};
  static constexpr bool kPlaced = true, kTyped = true;
};
struct Unplaced {
  static constexpr const char* kName = "EmbedTokens";
  static constexpr ElementType kInputs[] = {kInt64, kInt64, kInt8, kFloat, kFloat};
  static constexpr bool kPlaced = false, kTyped = false;
};

template <class Form>
struct Embed : Form {
  static constexpr ElementType kOutputs[] = {kFloat, kInt32};
  static constexpr size_t kRequiredInputs = sizeof(Form::kInputs) / sizeof(Form::kInputs[0]);
  static constexpr bool kPlaced = Form::kPlaced, kTyped = Form::kTyped;
  static constexpr size_t kTable = kTyped ? 3 : 2;  // the first constant

  const Kind* kind = chosen();
  EmbedTask task = {};
  int64_t vocabulary = 0, types = 0;
  int longest = 0;

  void create(Node& node) {
    const Tensor table = node.constant(kTable, "table", kInt8, {kAny, kAny});
    const int64_t dim = table.shape[1];
    if (node.ok() && (dim < 64 || dim > kMaxDim || dim % 64))
      node.fail("input table is %lld wide, expected a multiple of 64 up to %d", static_cast<long long>(dim), kMaxDim);
    if (!node.ok()) return;
    vocabulary = table.shape[0];
    task.table = table.as<int8_t>(), task.dim = static_cast<int>(dim);
    task.scales = node.floats(kTable + 1, "scales", {vocabulary, dim / 64});
    task.norm = node.norm(kPlaced ? kTable + 3 : kTable + 2, task.dim, node.epsilon());
    if (kTyped) take_types(node);
    if (kPlaced) take_positions(node);
    else longest = kMaxTurned;
  }
  void take_types(Node& node) {
    const Tensor table = node.constant(kTable + 4, "types", kFloat, {kAny, task.dim});
    if (node.ok() && table.shape[0] < 1) node.fail("input types has no rows, expected 1 or more");
    types = table.shape[0], task.types = table.as<float>();
  }
  void take_positions(Node& node) {
    const Tensor positions = node.constant(kTable + 2, "positions", kFloat, {kAny, task.dim});
    task.positions = positions.as<float>();
    task.first_position = node.integer_or("first_position", 0, 0, 1 << 20);
    task.pad_id = node.integer_or("pad_id", -1, -1, 1 << 30);
    if (node.ok() && task.pad_id >= 0 && task.first_position == 0)
      node.fail("attribute pad_id is %lld and first_position 0, expected a position before the first", static_cast<long long>(task.pad_id));
    const int64_t room = positions.shape[0] - task.first_position;
    if (node.ok() && room < 1)
      node.fail("attribute first_position is %d, expected less than the %lld positions", task.first_position,
                static_cast<long long>(positions.shape[0]));
    longest = static_cast<int>(room < kMaxLength ? room : kMaxLength);
  }

  // A row of the mask: ones, then zeros. Returns how many ones.
  int length_of(Run& run, const int64_t* mask, int64_t text, int64_t columns) const {
    int64_t length = 0;
    while (length < columns && mask[length] == 1) length++;
    for (int64_t i = length; i < columns; i++)
      if (mask[i] != 0) {
        run.fail("attention_mask of text %lld has %lld in column %lld, expected ones and then zeros", static_cast<long long>(text),
                 static_cast<long long>(mask[i]), static_cast<long long>(i));
        return 0;
      }
    if (length < 1 || length > longest)
      run.fail("text %lld has %lld tokens, expected 1 to %d", static_cast<long long>(text), static_cast<long long>(length), longest);
    return static_cast<int>(length);
  }
  void check_ids(Run& run, const int64_t* ids, int64_t text, int length) const {
    for (int i = 0; i < length; i++)
      if (ids[i] < 0 || ids[i] >= vocabulary) {
        run.fail("token %d of text %lld has id %lld, expected 0 to %lld", i, static_cast<long long>(text), static_cast<long long>(ids[i]),
                 static_cast<long long>(vocabulary - 1));
        return;
      }
  }
  void check_types(Run& run, const int64_t* found, int64_t text, int length) const {
    for (int i = 0; i < length; i++)
      if (found[i] < 0 || found[i] >= types) {
        run.fail("token %d of text %lld has type %lld, expected 0 to %lld", i, static_cast<long long>(text),
                 static_cast<long long>(found[i]), static_cast<long long>(types - 1));
        return;
      }
  }
  void compute(Run& run) const {
    const Tensor ids = run.input(0, "input_ids", kInt64, {kAny, kAny});
    const Tensor mask = run.input(1, "attention_mask", kInt64, {ids.shape[0], ids.shape[1]});
    Tensor type_ids;
    if (kTyped) type_ids = run.input(2, "token_type_ids", kInt64, {ids.shape[0], ids.shape[1]});
    const int64_t batch = ids.shape[0], columns = ids.shape[1];
    if (run.ok() && batch > (1 << 24)) run.fail("%lld texts in one run, expected at most %d", static_cast<long long>(batch), 1 << 24);
    int32_t* starts = run.output<int32_t>(1, {batch + 1});
    if (!run.ok()) return;
    starts[0] = 0;
    for (int64_t text = 0; text < batch && run.ok(); text++) {
      const int length = length_of(run, mask.as<int64_t>() + text * columns, text, columns);
      if (run.ok()) check_ids(run, ids.as<int64_t>() + text * columns, text, length);
      if (kTyped && run.ok()) check_types(run, type_ids.as<int64_t>() + text * columns, text, length);
      if (starts[text] > (1 << 24)) run.fail("more than %d tokens in one run", 1 << 24);
      starts[text + 1] = starts[text] + length;
    }
    if (!run.ok()) return;
    EmbedTask work = task;
    work.type_ids = type_ids.as<int64_t>();
    work.ids = ids.as<int64_t>(), work.length = columns, work.starts = starts, work.texts = static_cast<int>(batch);
    work.y = run.output<float>(0, {starts[batch], task.dim});
    if (run.ok()) kind->embed(work);
  }
};

const Registered<Embed<Placed>> op;
const Registered<Embed<Pairs>> pairs_op;
const Registered<Embed<Unplaced>> tokens_op;

}  // namespace

const CustomOp* embed_operator() { return &op; }
const CustomOp* embed_pairs_operator() { return &pairs_op; }
const CustomOp* embed_tokens_operator() { return &tokens_op; }

}  // namespace biolord
