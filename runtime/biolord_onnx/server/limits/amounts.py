"""How many texts a request may have, and of how many characters."""

from __future__ import annotations

from collections.abc import Sequence

from biolord_onnx.server.problems import EMPTY, TOO_MUCH, ApiError
from biolord_onnx.server.settings import Limits


def check_amount(limits: Limits, texts: int, characters: int) -> None:
    """Check numbers of a whole request.

    Raises:
        ApiError: It has no text, or too much.
    """
    if not texts:
        raise ApiError(EMPTY, "the request has no texts: send one or more")
    if texts > limits.texts:
        raise ApiError(TOO_MUCH, f"the request has {texts} texts, the limit is {limits.texts}: send several")
    if characters > limits.characters:
        raise ApiError(
            TOO_MUCH, f"the request has {characters} characters, the limit is {limits.characters}: send several"
        )


def check_lengths(limits: Limits, texts: Sequence[str]) -> None:
    """Check each text, for it is tokenized in one go.

    Raises:
        ApiError: One is too long.
    """
    most = limits.text_characters
    for number, text in enumerate(texts):
        if len(text) > most:
            raise ApiError(TOO_MUCH, f"text {number} has {len(text)} characters, the limit is {most}: send it in parts")
