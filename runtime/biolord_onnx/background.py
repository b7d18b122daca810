"""A function that runs beside its caller."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Background(Generic[Result]):
    """Runs a function in a thread of its own, at once.

    Worth it for what gives up Python's global lock, as hashing and onnxruntime's loading do. `concurrent.futures` does
    the same, but importing it takes a while, which every start would pay for.
    """

    def __init__(self, function: Callable[[], Result]) -> None:
        """Start the function."""
        self._function = function
        self._results: list[Result] = []
        self._failures: list[BaseException] = []
        self._thread = Thread(target=self._run, name="biolord-background")
        self._thread.start()

    def result(self) -> Result:
        """Wait for the function, and return what it returned.

        Raises:
            BaseException: what it raised.
        """
        self._thread.join()
        if self._failures:
            raise self._failures[0]
        return self._results[0]

    def _run(self) -> None:
        try:
            self._results.append(self._function())
        except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
            self._failures.append(error)
