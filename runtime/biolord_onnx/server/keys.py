"""API keys: where they are read from, and what one looks like."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from pathlib import Path

from biolord_onnx.errors import InputError

MOST_BYTES = 1_000_000
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_key_file(path: Path) -> list[str]:
    """Return the keys of a file, one per line; Windows' mark of UTF-8 and its line ends are no part of any.

    Raises:
        InputError: It isn't UTF-8, is larger than any such file, or a line can't be a key.
        OSError: It can't be read.
    """
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise InputError(f"{path} has more than {MOST_BYTES} bytes, which no list of keys has: give another file")
    if data.startswith(_UTF_16):
        raise InputError(f"{path} is UTF-16, expected UTF-8: save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 (byte {error.start}): save it as UTF-8") from error
    lines = [line.strip(" \t") for line in text.replace("\r\n", "\n").split("\n")]
    return check_keys((f"line {number} of {path}", line) for number, line in enumerate(lines, 1))


def check_keys(given: Iterable[tuple[str, str]]) -> list[str]:
    """Return keys that aren't empty.

    Args:
        given: Where each stands, for messages, and itself.

    Raises:
        InputError: One holds characters that no header can carry, so no client could send it; it isn't shown.
    """
    keys = []
    for place, key in given:
        if wrong := next((character for character in key if not "!" <= character <= "~"), None):
            raise InputError(
                f"{place} holds the character U+{ord(wrong):04X}, a key is letters, digits and signs of ASCII: "
                "give another key"
            )
        if key:
            keys.append(key)
    return keys
