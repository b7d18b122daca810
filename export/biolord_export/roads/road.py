"""What leads from a checkpoint to a graph: each target has one road."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from biolord_export.calibration.collect import InputStatistics
    from biolord_export.checkpoint.source import Checkpoint
    from biolord_export.checkpoint.weights import EncoderWeights
    from biolord_export.graph.builder import GraphBuilder
    from biolord_export.quantize.report import LinearReport

    Statistics = Mapping[tuple[int, str], InputStatistics]
    """Of each linear layer's input, by the layer's number and its name; empty where nothing is calibrated."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a graph is written from: a checkpoint, its weights, and what calibration saw."""

    checkpoint: Checkpoint
    weights: EncoderWeights
    statistics: Statistics


@dataclass(frozen=True, slots=True)
class Written:
    """A graph, and what quantizing did to each linear layer (nothing where none was quantized)."""

    graph: GraphBuilder
    reports: tuple[LinearReport, ...] = ()


class Road(Protocol):
    """Turns a checkpoint's weights into a graph."""

    def check(self, checkpoint: Checkpoint, target: str) -> None:
        """Refuse at once, and not after minutes of calibration, what can't be done.

        Args:
            checkpoint: What is to be converted; its weights aren't read.
            target: What it is to become, for messages.

        Raises:
            BiolordError: A package is missing, or the checkpoint is none for this road.
        """
        ...

    def write(self, loaded: Loaded) -> Written:
        """Write the graph.

        Raises:
            BiolordError: It can't be written.
        """
        ...
