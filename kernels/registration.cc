// What the library exports: the registration that onnxruntime calls, and a few questions for Python.
#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "api/node.h"
#include "arena.h"
#include "dispatch.h"
#include "exported.h"
#include "operators/registered.h"

namespace biolord {
namespace {

constexpr const char* kVariable = "BIOLORD_KERNELS";
std::atomic<const OrtApi*> table{nullptr};
std::atomic<OrtCustomOpDomain*> domain{nullptr};  // one for all sessions of the process, kept: they only point to it

// Null: chosen. Otherwise a line that says why not.
const char* choose(char* text, size_t size) {
  if (chosen()) return nullptr;
  const char* wanted = getenv(kVariable);
  const Kind* kind = wanted && *wanted ? kind_named(wanted) : kind_at(0);
  if (kind) {
    use(kind);
    return nullptr;
  }
  int used = snprintf(text, size, "%s is %s, %s; this machine can run", kVariable, wanted,
                      is_kind(wanted) ? "which this CPU or its system can't run" : "which this library doesn't have");
  for (int i = 0; const Kind* other = kind_at(i); i++)
    used += snprintf(text + used, size - static_cast<size_t>(used), "%s %s", i ? "," : "", other->name);
  return text;
}
OrtStatus* make_domain(OrtCustomOpDomain** made) {
  if (OrtStatus* status = api().CreateCustomOpDomain("biolord", made)) return status;
  for (const CustomOp* op : {embed_operator(), embed_pairs_operator(), embed_tokens_operator(), project_operator(), attention_operator(),
                             feed_forward_operator(), rotary_attention_operator(), gated_feed_forward_operator(), layer_norm_operator(),
                             pool_operator(), dense_operator(), unit_operator(), score_operator()})
    if (OrtStatus* status = api().CustomOpDomain_Add(*made, op)) {
      api().ReleaseCustomOpDomain(*made);
      return status;
    }
  return nullptr;
}
OrtStatus* shared_domain(OrtCustomOpDomain** shared) {
  *shared = domain.load();
  if (*shared) return nullptr;
  OrtCustomOpDomain *made = nullptr, *none = nullptr;
  if (OrtStatus* status = make_domain(&made)) return status;
  if (!domain.compare_exchange_strong(none, made)) api().ReleaseCustomOpDomain(made), made = none;
  *shared = made;
  return nullptr;
}

}  // namespace

Api api() { return Api(table.load(std::memory_order_acquire)); }

}  // namespace biolord

using namespace biolord;

EXPORT OrtStatus* RegisterCustomOps(OrtSessionOptions* options, const OrtApiBase* base) {
  const OrtApi* functions = base->GetApi(kApiVersion);
  if (!functions) return nullptr;  // older than any release that this project allows; onnxruntime has said so on stderr
  table.store(functions);
  char text[256];
  if (const char* problem = choose(text, sizeof(text))) return api().CreateStatus(static_cast<int>(Failure::kFail), problem);
  OrtCustomOpDomain* shared = nullptr;
  if (OrtStatus* status = shared_domain(&shared)) return status;
  return api().AddCustomOpDomain(options, shared);
}

EXPORT const char* biolord_kernels_version() { return kVersion; }
// The kinds that this machine can run, best first; null beyond the last.
EXPORT const char* biolord_kernels_kind(int index) {
  const Kind* kind = index < 0 ? nullptr : kind_at(index);
  return kind ? kind->name : nullptr;
}
// The kind in use. Chosen now if it wasn't; null: what BIOLORD_KERNELS asks for can't be had.
EXPORT const char* biolord_kernels_chosen() {
  char text[256];
  return choose(text, sizeof(text)) ? nullptr : chosen()->name;
}
// For tests: sessions opened from now on use this kind. 0: it can't run here.
EXPORT int biolord_kernels_use(const char* name) {
  const Kind* kind = kind_named(name);
  if (kind) use(kind);
  return kind != nullptr;
}
// Free the scratch memory that is kept for the next run; runs under way keep theirs.
EXPORT void biolord_kernels_release() { arenas_release(); }
