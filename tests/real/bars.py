"""What the real models must reach; every figure of the real tier stands here."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTES = 115
"""The whole cpu-int8 artifact of all-mpnet-base-v2."""

SECONDS_TO_EMBED = 0.7
"""`biolord embed ARTIFACT TEXT` as a whole process, files in the cache, median."""

GOLDEN_COSINE = {"cpu-fp32": 0.999999, "cpu-int8": 0.99}
"""Each text of the golden files, hostile ones included, to torch."""


@dataclass(frozen=True)
class Bar:
    """Cosine to float32: mean and minimum on medical names and passages, minimum on anything else."""

    mean: float
    minimum: float
    elsewhere: float


FIDELITY = {"cpu-int8": Bar(0.9995, 0.998, 0.99), "cpu-int4": Bar(0.99, 0.95, 0.91)}

SECONDS_FOR_QUICK_BENCH = 60
"""`biolord bench --quick` on all-MiniLM-L6-v2, with its page."""
