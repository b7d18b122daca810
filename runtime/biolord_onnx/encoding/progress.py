"""A progress bar on stderr, where one is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from biolord_onnx.errors import MissingDependencyError


@contextmanager
def progress_bar(total: int, *, shown: bool, done: int = 0) -> Iterator[Callable[[int], object]]:
    """Give a function to call with the number of texts done since the last call.

    Args:
        total: Texts in all.
        shown: False gives a function that does nothing.
        done: Texts that were done before; they don't count for the rate.

    Raises:
        MissingDependencyError: A bar is wanted and tqdm isn't installed.
    """
    if not shown:
        yield lambda _: None
        return
    try:
        from tqdm import tqdm
    except ImportError as error:
        raise MissingDependencyError(
            "a progress bar needs tqdm: pip install tqdm, or pass show_progress_bar=False"
        ) from error
    with tqdm(total=total, initial=done, unit=" texts", smoothing=0.05, dynamic_ncols=True) as bar:
        yield bar.update
