"""Text from elsewhere, made fit to be shown: a file's name must not move the cursor or add lines of its own."""

from __future__ import annotations

import re

# Controls, line breaks that only some programs take for such, what turns the order of characters around, and halves of
# characters, which no stream can encode.
_CONTROL = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
_MOST_SHOWN = 60
_IN_LINE = re.compile(rf"[\t\n{_CONTROL}]")
_IN_TEXT = re.compile(rf"[{_CONTROL}]")


def escape(text: str) -> str:
    r"""Return a text as one line: control characters as ``\u001b``, which is how JSON writes them, too."""
    return _IN_LINE.sub(_code, text)


def escape_text(text: str) -> str:
    """Return a text of several lines without control characters but tabs and line feeds."""
    return _IN_TEXT.sub(_code, text)


def short(value: object) -> str:
    """Return what a message shows of a value that may be of any size."""
    shown = repr(value)
    return shown if len(shown) <= _MOST_SHOWN else f"{shown[: _MOST_SHOWN - 3]}..."


def _code(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
