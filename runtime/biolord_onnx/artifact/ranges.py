"""The range of each dimension, which 8-bit vectors need: a file of the artifact, read on first use."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from biolord_onnx.artifact.bounded import read_file
from biolord_onnx.artifact.json_fields import Fields, parse_object
from biolord_onnx.errors import ArtifactError

RANGES_NAME = "ranges.json"
LARGEST_VALUE = 1e30
LARGEST_RANGES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Ranges:
    """The smallest and the largest value of each dimension over texts that were looked at, [dim] each."""

    lowest: tuple[float, ...]
    highest: tuple[float, ...]

    def first(self, count: int) -> Ranges:
        """Return the ranges of the first dimensions."""
        return Ranges(self.lowest[:count], self.highest[:count])


def ranges_to_json(ranges: Mapping[str, Ranges]) -> str:
    """Write the ranges of some of the graph's outputs, by name, as one JSON object."""
    return json.dumps({output: asdict(ends) for output, ends in ranges.items()}, allow_nan=False) + "\n"


def read_ranges(path: Path, output: str, dim: int) -> Ranges:
    """Read the ranges of one output.

    Args:
        path: The file.
        output: Name of the graph's output.
        dim: Length of a vector.

    Raises:
        ArtifactError: The file is damaged or holds another number of dimensions.
    """
    try:
        text = read_file(path, LARGEST_RANGES).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ArtifactError(f"{path} is not a readable text file ({error}): export the artifact again") from error
    fields = parse_object(text, str(path)).child(output)
    ranges = Ranges(_read_ends(fields, "lowest", dim), _read_ends(fields, "highest", dim))
    for place, (low, high) in enumerate(zip(ranges.lowest, ranges.highest, strict=True)):
        # Beyond that, float32 would overflow where a vector is cut into steps.
        if not -LARGEST_VALUE <= low <= high <= LARGEST_VALUE:
            raise ArtifactError(
                f"{fields.source}: lowest: {place} is {low}, highest: {place} is {high}: export the artifact again"
            )
    return ranges


def _read_ends(fields: Fields, key: str, dim: int) -> tuple[float, ...]:
    values = fields.numbers(key, least=-math.inf)
    if len(values) != dim:
        raise ArtifactError(
            f"{fields.source}: {key} has {len(values)} numbers, expected {dim}: export the artifact again"
        )
    return values
