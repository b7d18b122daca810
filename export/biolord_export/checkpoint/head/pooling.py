"""The Pooling module of a sentence-transformers checkpoint, and all that follows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from biolord_export.checkpoint.head.dense import Dense
from biolord_export.checkpoint.settings.json_files import read_int
from biolord_export.checkpoint.settings.known_keys import Key, check_keys
from biolord_export.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from biolord_export.checkpoint.settings.json_files import JsonObject

POOLING_MODES = ("mean", "cls", "max", "weightedmean", "lasttoken", "mean_sqrt_len_tokens")
"""As sentence-transformers calls them; their order is the compiled operator's numbering."""
LEGACY_MODES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
"""The switches that sentence-transformers wrote before version 5, in the order in which it joins vectors."""
JOINT = "+"
"""Between the modes whose vectors are joined to one."""
WIDTHS = ("embedding_dimension", "word_embedding_dimension")
"""What the pooling's input is called, since version 5 and before."""
POOLING_KEYS = {
    **dict.fromkeys(WIDTHS, Key("compared with config.json")),
    **dict.fromkeys(LEGACY_MODES, Key("read below", (True, False))),
    "pooling_mode": Key("read below"),
    "include_prompt": Key("read below", (True, False)),
}


@dataclass(frozen=True, slots=True)
class Normalize:
    """Scales a vector to length 1."""


Step = Dense | Normalize


@dataclass(frozen=True, slots=True)
class Pooling:
    """How token vectors become a text's vector.

    Attributes:
        mode: One of `POOLING_MODES`, or several with ``+`` between them, whose vectors are joined.
        normalize: Whether the modules end in one that scales the vector to length 1.
        steps: What comes between the two.
        cut: Numbers that are left of a vector, whatever came before; None for all.
        include_prompt: Whether a prompt's tokens are pooled, too.
    """

    mode: str
    normalize: bool
    steps: tuple[Step, ...] = ()
    cut: int | None = None
    include_prompt: bool = True

    @property
    def modes(self) -> tuple[str, ...]:
        """Each of the modes."""
        return tuple(self.mode.split(JOINT))

    @property
    def normalized(self) -> bool:
        """Whether a text's vector has length 1: not if it was cut after that."""
        return self.normalize and self.cut is None

    @property
    def denses(self) -> tuple[Dense, ...]:
        """The linear layers among the steps."""
        return tuple(step for step in self.steps if isinstance(step, Dense))

    def whole_width(self, dim: int) -> int:
        """Return the numbers of a vector before it is cut, of token vectors of ``dim``."""
        return self.denses[-1].outputs if self.denses else dim * len(self.modes)

    def width(self, dim: int) -> int:
        """Return the numbers of a text's vector, of token vectors of ``dim``."""
        return self.cut or self.whole_width(dim)


def read_pooling(values: JsonObject, path: Path) -> str:
    """Read the Pooling module's ``config.json``; returns its mode, which may be none that the exporter knows.

    Raises:
        CheckpointError: It asks for what the exporter doesn't carry out.
    """
    check_keys(values, path, POOLING_KEYS, only=True)
    switched_on = [mode for key, mode in LEGACY_MODES.items() if values.get(key) is True]
    stated = values.get("pooling_mode", switched_on or "mean")  # the library's own default
    modes = stated if isinstance(stated, list) else [stated]
    return JOINT.join(map(str, modes)) or "nothing"


def read_width(values: JsonObject, path: Path) -> int | None:
    """Read the length of the token vectors that the module takes; None where it isn't stated."""
    key = next((key for key in WIDTHS if key in values), None)
    return None if key is None else read_int(values, key, path)


def unknown_modes(mode: str) -> list[str]:
    """List the modes that no graph has."""
    return [one for one in mode.split(JOINT) if one not in POOLING_MODES]


def check_steps(pooling: Pooling, dim: int) -> None:
    """Check that each layer takes vectors as long as those it gets.

    Raises:
        CheckpointError: One doesn't.
    """
    for found, dense in _widths(pooling, dim):
        if found != dense.inputs:
            raise CheckpointError(
                f"{dense.weights.parent} takes vectors of {dense.inputs} numbers and would get {found} (pooling by "
                f"{pooling.mode}): the modules don't belong together"
            )


def _widths(pooling: Pooling, dim: int) -> Iterator[tuple[int, Dense]]:
    width = dim * len(pooling.modes)
    for dense in pooling.denses:
        yield width, dense
        width = dense.outputs


def choose_cut(pooling: Pooling, dim: int, *, asked: int | None, own: int | None) -> int | None:
    """Return the numbers that are left of a vector; None for all, as where the checkpoint's own cuts nothing.

    Args:
        pooling: What yields the vector.
        dim: Of the token vectors.
        asked: For.
        own: By the checkpoint's files, where nobody asks.

    Raises:
        CheckpointError: More are asked for than there are, or none.
    """
    whole = pooling.whole_width(dim)
    if asked is not None and not 1 <= asked <= whole:
        raise CheckpointError(
            f"--truncate-dim is {asked}, this checkpoint's vectors have {whole} numbers: ask for 1 to {whole}"
        )
    wanted = own if asked is None else asked
    return None if wanted is None or wanted >= whole else wanted
