// Finds the rows of an index among which the nearest to a query are, for Python. A scan belongs to one thread; several
// share the rows of an index, and what they find is put together.
#include <cstdlib>
#include <cstring>

#include "dispatch.h"
#include "exported.h"

namespace biolord {

constexpr int kMostQueries = 64;  // of a scan: their bytes stay in the second-level cache

struct ScanRequest {
  const int8_t* high;
  const float *steps, *sums, *errors;
  int64_t rows;  // that count; the arrays go on to a multiple of 32
  int32_t dim;   // a multiple of 64
  int32_t count;
  const float* queries;
  int32_t top;
  float least;
  const int32_t* groups;  // [rows]: rows of one group count as one; null: each counts
  const uint8_t* mask;    // [rows]: 0 for rows that don't count; null: all do
};

namespace {

// The best that is certain: cosines that `top` different groups reach at least, in no order.
struct Certain {
  float* cosines;
  int32_t* groups;
  int32_t filled, worst;
};
// Rows whose cosine may be that high.
struct Candidates {
  int32_t* rows;
  float* highest;
  int64_t count, room;
};

}  // namespace

struct Scan {
  ScanRequest request;
  const Kind* kind;
  float least[kMostQueries];
  Certain certain[kMostQueries];
  Candidates candidates[kMostQueries];
  bool failed;
};

namespace {

void find_worst(const ScanRequest& r, Certain& c, float& least) {
  for (int32_t i = c.worst = 0; i < c.filled; i++)
    if (c.cosines[i] < c.cosines[c.worst]) c.worst = i;
  if (c.filled == r.top && c.cosines[c.worst] > least) least = c.cosines[c.worst];
}
void offer(const ScanRequest& r, Certain& c, float cosine, int32_t group, float& least) {
  if (c.filled == r.top && !(cosine > c.cosines[c.worst])) return;
  int32_t at = c.filled;
  if (r.groups)
    for (at = 0; at < c.filled && c.groups[at] != group;) at++;
  if (at < c.filled) {
    if (!(cosine > c.cosines[at])) return;
  } else if (c.filled == r.top) {
    at = c.worst;
  } else {
    c.filled++;
  }
  c.cosines[at] = cosine, c.groups[at] = group;
  find_worst(r, c, least);
}

// Drops what can't be among the nearest any more; more room only where most may.
bool make_room(Candidates& c, float least) {
  int64_t kept = 0;
  for (int64_t i = 0; i < c.count; i++)
    if (c.highest[i] >= least) c.rows[kept] = c.rows[i], c.highest[kept++] = c.highest[i];
  c.count = kept;
  if (kept < c.room / 2) return true;
  const int64_t room = c.room ? 2 * c.room : 1024;
  void* rows = realloc(c.rows, static_cast<size_t>(room) * sizeof(int32_t));
  if (rows) c.rows = static_cast<int32_t*>(rows);
  void* highest = realloc(c.highest, static_cast<size_t>(room) * sizeof(float));
  if (highest) c.highest = static_cast<float*>(highest);
  if (!rows || !highest) return false;
  c.room = room;
  return true;
}

void see(void* context, int query, int64_t row, const float* about, const float* errors) {
  Scan& s = *static_cast<Scan*>(context);
  const ScanRequest& r = s.request;
  Candidates& c = s.candidates[query];
  for (int64_t at = row; at < row + 16 && at < r.rows; at++) {
    const float cosine = about[at - row], error = errors[at - row];
    if (!(cosine + error >= s.least[query]) || (r.mask && !r.mask[at])) continue;
    if (c.count == c.room && !make_room(c, s.least[query])) {
      s.failed = true;
      return;
    }
    c.rows[c.count] = static_cast<int32_t>(at), c.highest[c.count++] = cosine + error;
    offer(r, s.certain[query], cosine - error, r.groups ? r.groups[at] : 0, s.least[query]);
  }
}

bool fits(const ScanRequest& r) {
  return r.rows > 0 && r.dim > 0 && r.dim <= kMaxDim && r.dim % 64 == 0 && r.count > 0 && r.count <= kMostQueries && r.top > 0;
}

}  // namespace
}  // namespace biolord

using namespace biolord;

EXPORT void biolord_scan_end(Scan* s) {
  if (!s) return;
  for (const Candidates& c : s->candidates) free(c.rows), free(c.highest);
  for (const Certain& c : s->certain) free(c.cosines), free(c.groups);
  free(s);
}
// Null: out of memory, or the request can't be.
EXPORT Scan* biolord_scan_begin(const ScanRequest* request) {
  if (!chosen() || !fits(*request)) return nullptr;
  Scan* s = static_cast<Scan*>(calloc(1, sizeof(Scan)));
  if (!s) return nullptr;
  s->request = *request, s->kind = chosen();
  for (int i = 0; i < request->count; i++) {
    Certain& c = s->certain[i];
    c.cosines = static_cast<float*>(malloc(static_cast<size_t>(request->top) * sizeof(float)));
    c.groups = static_cast<int32_t*>(malloc(static_cast<size_t>(request->top) * sizeof(int32_t)));
    s->least[i] = request->least;
    if (!c.cosines || !c.groups) return biolord_scan_end(s), nullptr;
  }
  return s;
}
// Looks at some rows: a part of the index that begins and ends at multiples of 32. 0: out of memory, or no such part.
EXPORT int biolord_scan_rows(Scan* s, int64_t first, int64_t last) {
  const ScanRequest& r = s->request;
  if (first < 0 || first % 32 || last % 32 || last > (r.rows + 31) / 32 * 32) return 0;
  const ScanTask task = {r.high, r.steps, r.sums, r.errors, r.queries, r.count, r.dim, first, last, s->least, see, s};
  return s->kind->scan(task) && !s->failed;
}
// How many rows were found for a query, where they are and what they may reach. In no order.
EXPORT int64_t biolord_scan_found(const Scan* s, int query, const int32_t** rows, const float** highest) {
  const Candidates& c = s->candidates[query];
  *rows = c.rows, *highest = c.highest;
  return c.count;
}
// What a row must reach to be among the nearest, as far as this scan knows.
EXPORT float biolord_scan_least(const Scan* s, int query) { return s->least[query]; }
