"""What a worker is told to load, and what an adapter gives; for every environment, hence the standard library only."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Settings:
    """What an adapter loads.

    Attributes:
        model: Folder of the checkpoint, of its conversion or of an artifact.
        variant: The adapter's own word for how: a backend, a number format, a provider.
        spinning: Whether threads of ours without work keep their cores busy.
        kernels: Which kind of our own operators runs; empty for the best.
    """

    adapter: str
    model: str
    threads: int
    variant: str = ""
    spinning: bool = False
    kernels: str = ""

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """Read what the driver wrote."""
        return cls(**json.loads(text))

    def to_json(self) -> str:
        """Write it on one line."""
        return json.dumps(asdict(self))


class Model(Protocol):
    """A loaded model of any tool.

    An adapter's module has ``load(settings)``, which gives one, and may have ``BATCHES``: sizes to choose from, of
    which the model then has the one in use as its ``batch``. A model may have ``provider`` and ``kernels`` to tell.

    Attributes:
        max_length: Most tokens of a text as the tool is set up; longer texts would be another, smaller job.
    """

    max_length: int

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode n texts in one call.

        Returns:
            float32 [n, dim].
        """


class Batched:
    """A model whose tool takes a batch size; the worker sets ``batch`` to the fastest of the adapter's ``BATCHES``."""

    def __init__(self, encode: Callable[[list[str], int], ArrayLike], max_length: int, batch: int = 32) -> None:
        self._encode, self.max_length, self.batch = encode, max_length, batch

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode n texts in one call: float32 [n, dim]."""
        import numpy as np

        return np.asarray(self._encode(list(texts), self.batch), dtype=np.float32)


def in_batches(encode: Callable[[list[str]], ArrayLike], texts: Sequence[str], size: int) -> NDArray[np.float32]:
    """Encode batch by batch, longest texts first as sentence-transformers does: for engines that take one batch a call.

    Args:
        encode: Gives [batch, dim].
        texts: n of them.
        size: Of a batch.

    Returns:
        float32 [n, dim], in the order of the texts.
    """
    import numpy as np

    order = sorted(range(len(texts)), key=lambda index: -len(texts[index]))
    ordered = [texts[index] for index in order]
    batches = [encode(ordered[start : start + size]) for start in range(0, len(ordered), size)]
    return np.asarray(np.concatenate(batches)[np.argsort(order)], dtype=np.float32)


def mean_pooled(tokens: NDArray[np.float32], attention_mask: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return unit vectors [batch, dim] of hidden states [batch, length, dim], averaged over the tokens of each text."""
    import numpy as np

    mask = attention_mask[..., None].astype(np.float32)
    pooled = (tokens * mask).sum(axis=1) / mask.sum(axis=1)
    return np.asarray(pooled / np.linalg.norm(pooled, axis=1, keepdims=True), dtype=np.float32)


def only_file(folder: str, pattern: str) -> str:
    """Return the path, relative to ``folder``, of the one file that matches.

    Raises:
        FileNotFoundError: There is none, or more than one.
    """
    from pathlib import Path

    found = sorted(Path(folder).rglob(pattern))
    if len(found) != 1:
        raise FileNotFoundError(f"{folder} holds {len(found)} files like {pattern}, expected 1: convert it again")
    return found[0].relative_to(folder).as_posix()


def sentence_length(folder: str) -> int:
    """Return the checkpoint's own limit in tokens, from ``sentence_bert_config.json``."""
    from pathlib import Path

    text = Path(folder, "sentence_bert_config.json").read_text(encoding="utf-8")
    return int(json.loads(text)["max_seq_length"])
