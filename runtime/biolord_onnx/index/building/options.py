"""How an index is built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def _stay_silent(_: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What is done beside reading and embedding.

    Attributes:
        template: What is embedded, such as ``{name}, a {class}``; None for names as they are.
        rescore: Keep the low 16 bits of the vectors, which make answers exact; without them the index takes a third.
        update: Take the vectors of texts that the index at the path holds already from there, and replace it.
        force: Replace an index.
        restart: Forget an interrupted build.
        batch_tokens: Most tokens of one run.
        progress: Draw a bar on stderr.
        notify: Takes a line on what is left out, and on what an interrupted build had left.
    """

    template: str | None = None
    rescore: bool = True
    update: bool = False
    force: bool = False
    restart: bool = False
    batch_tokens: int | None = None
    progress: bool = False
    notify: Callable[[str], object] = _stay_silent
