// The operators of one CPU kind; included last in its file, after lanes and products.
#pragma once
#include "body/products.h"

namespace {
// Memory that a product needs beside its operands.
INLINE size_t products_room(const biolord::Linear& w) {
#if defined(BIOLORD_WIDENS)
  return panels_room(w) + static_cast<size_t>(w.inputs) * 32;  // 16 rows of 16 bits
#else
  return panels_room(w);
#endif
}
}  // namespace

#include "body/attention/attention.h"
#include "body/dense.h"
#include "body/ends.h"
#include "body/feed_forward.h"
#include "body/gated_feed_forward.h"
#include "body/project.h"
#include "body/scan.h"
#include "body/score.h"

#define BIOLORD_KIND(name)                          \
  namespace biolord {                               \
  bool supports_##name();                           \
  extern const Kind kind_##name;                    \
  const Kind kind_##name = {#name,   supports_##name, embed,            attention,          feed_forward, pool,  dense, unit, \
                            project, normalize,       gated_feed_forward, scan,             score}; \
  }
