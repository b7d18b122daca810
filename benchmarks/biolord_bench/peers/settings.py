"""What a worker is told to load; shared by the workers of all environments, hence the standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Settings:
    """What an adapter loads.

    Attributes:
        model: folder of the checkpoint, of its conversion or of an artefact.
        threads: cores that the tool may use.
        variant: the adapter's own word for how, ``onnx`` for example; may be empty.
    """

    model: str
    threads: int
    variant: str = ""


class Model(Protocol):
    """A loaded model of any tool.

    Attributes:
        max_length: most tokens of a text as the tool is set up; longer texts would be another, smaller job.
    """

    max_length: int

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode n texts in one call, batched as the tool does by default.

        Returns:
            float32 [n, dim].
        """


def only_file(folder: str, pattern: str) -> str:
    """Return the path, relative to ``folder``, of the one file that matches.

    Raises:
        FileNotFoundError: there is none, or more than one.
    """
    from pathlib import Path

    found = sorted(Path(folder).rglob(pattern))
    if len(found) != 1:
        raise FileNotFoundError(f"{folder} holds {len(found)} files like {pattern}, expected 1: convert it again")
    return found[0].relative_to(folder).as_posix()


def sentence_length(folder: str) -> int:
    """Return the checkpoint's own limit in tokens, from ``sentence_bert_config.json``."""
    import json
    from pathlib import Path

    text = Path(folder, "sentence_bert_config.json").read_text(encoding="utf-8")
    return int(json.loads(text)["max_seq_length"])
