"""What a measured fidelity comes to: groups of texts, held against a gate."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import DataclassInstance

    from biolord_onnx.artifact.json_fields import JSONObject

Group = TypeVar("Group", bound="DataclassInstance")
Gate = TypeVar("Gate", bound="DataclassInstance")


@dataclass(frozen=True, slots=True)
class Report(Generic[Group, Gate]):
    """Fidelity to a reference, and the gate it was held against; ``shortfalls`` is empty if it passed."""

    reference: str
    groups: tuple[Group, ...]
    gate: Gate
    shortfalls: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every gate was reached."""
        return not self.shortfalls

    def to_json(self) -> JSONObject:
        """Return the report as the JSON object that a manifest holds."""
        return {
            "passed": self.passed,
            "reference": self.reference,
            "groups": [asdict(group) for group in self.groups],
            "gate": asdict(self.gate),
            "shortfalls": list(self.shortfalls),
        }


def shortfalls(kind: str, figures: Mapping[str, Any], bars: Mapping[str, float]) -> list[str]:
    """Say which figures of a kind of text are below their bars."""
    return [f"{kind}: {name} {figures[name]:.6f} is below {bar}" for name, bar in bars.items() if figures[name] < bar]
