// Exact cosines of a query and vectors of an index, for Python, in one order on every CPU: products of a float and a whole
// number of 24 bits are exact in double precision; 16 sums take every sixteenth dimension each, and are folded.
#include <cstddef>
#include <cstdint>

#include "body/mode.h"
#include "exported.h"

namespace {

constexpr int kLanes = 16;

double product(const int8_t* panel, const int16_t* low, int row, int dim, const float* query) {
  double sums[kLanes] = {};
  for (int d = 0; d < dim; d += kLanes) {
    const int count = dim - d < kLanes ? dim - d : kLanes;
    for (int i = 0; i < count; i++) {
      const int32_t high = panel[(d + i) / 4 * 64 + row * 4 + i % 4];
      sums[i] += static_cast<double>(high * 65536 + (low ? low[d + i] : 0)) * static_cast<double>(query[d + i]);
    }
  }
  for (int half = kLanes / 2; half; half /= 2)
    for (int i = 0; i < half; i++) sums[i] += sums[i + half];
  return sums[0];
}

}  // namespace

// high: [rows/16, dim in whole 64s / 4, 16, 4]; low: [rows, dim] or null; steps: [rows]; query: [dim]; scores: [count].
EXPORT void biolord_score(const int8_t* high, const int16_t* low, const float* steps, int32_t dim, const int32_t* rows,
                          int64_t count, const float* query, float* scores) {
  const FloatMode mode;
  const size_t full = static_cast<size_t>((dim + 63) / 64 * 64);
  for (int64_t i = 0; i < count; i++) {
    const size_t row = static_cast<size_t>(rows[i]);
    const int16_t* rest = low ? low + row * static_cast<size_t>(dim) : nullptr;
    const double sum = product(high + row / 16 * 16 * full, rest, static_cast<int>(row % 16), dim, query);
    scores[i] = static_cast<float>(sum * static_cast<double>(steps[row]));
  }
}
