// The second layer of a feed-forward network, whose inputs lie in groups.
#pragma once
#include "api/node.h"

namespace biolord {

struct GroupInputs {  // their places among a node's
  size_t packed, columns, scales;
};

// One layer of `width` inputs for each of the groups; the bias is the same for all.
inline void take_groups(Node& node, GroupInputs at, int dim, int groups, int width, Linear* second) {
  Tensor scales;
  int group = width;
  if (node.has(at.scales)) {
    scales = node.constant(at.scales, "second", kInt8, {groups, dim / 16, kAny, 16});
    group = node.group_of(scales, "second", width);
  }
  const int line = scales.data ? 8 : 4;
  const int8_t* packed = node.constant(at.packed, "second", kInt8, {groups, dim / 16, width / line, 16, 4}).as<int8_t>();
  const float* rows = node.floats(at.columns, "columns of the second layer", {2 * groups + 1, dim});
  if (!node.ok()) return;
  for (int g = 0; g < groups; g++) {
    const size_t size = static_cast<size_t>(dim) * width;
    second[g] = {packed + g * size * 4 / static_cast<size_t>(line),
                 scales.data ? scales.as<int8_t>() + g * size / static_cast<size_t>(group) : nullptr,
                 rows + 2 * g * dim, rows + (2 * g + 1) * dim, rows + 2 * groups * dim, width, dim, group};
  }
}

}  // namespace biolord
