// AVX-512 with VNNI: Ice Lake, Zen 4 and newer.
#include "lanes/avx512.h"
#include "kinds/vnni512_tile.h"

namespace {
template <class Epilogue>
INLINE void products(const uint8_t* a, int rows, const biolord::Linear& w, int n0, int n1, int8_t* room, Epilogue e) {
  vnni512_products(a, rows, w, n0, n1, room, e);
}
constexpr int kValueRows = 6, kValueVectors = 4;
}  // namespace

#include "body/kind.h"
BIOLORD_KIND(avx512_vnni)
