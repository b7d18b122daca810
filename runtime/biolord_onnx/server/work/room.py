"""How much of something may be under way at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from biolord_onnx.server.limits.patience import RETRY_AFTER_S
from biolord_onnx.server.problems import OVERLOADED, ApiError


class Room:
    """Counts what requests have under way; for the event loop alone.

    Attributes:
        held: How much that is.
    """

    def __init__(self, most: int, what: str) -> None:
        """Begin with nothing.

        Args:
            most: That may be under way; more is refused.
            what: Is counted, in the plural.
        """
        self._most, self._what = most, what
        self.held = 0

    @contextmanager
    def hold(self, amount: int) -> Iterator[None]:
        """Hold room for a request until the block ends.

        Raises:
            ApiError: There isn't enough; if nothing is under way, any request that the other limits let pass may.
        """
        if self.held and self.held + amount > self._most:
            raise ApiError(
                OVERLOADED,
                f"{self.held} {self._what} wait, {amount} more would exceed {self._most}: try again",
                RETRY_AFTER_S,
            )
        self.held += amount
        try:
            yield
        finally:
            self.held -= amount
