"""What commands say: results on standard output, all else on standard error.

Names, paths and texts come from files that others may have made: what a terminal would obey is shown instead.
"""

from __future__ import annotations

import sys

from biolord_onnx.printable import escape_text


def say(text: str) -> None:
    """Print a result, a line or several.

    Raises:
        OSError: Standard output is closed or full.
    """
    sys.stdout.write(f"{escape_text(text)}\n")


def tell(text: str) -> None:
    """Print a message, a line or several; one that can't be written is lost, the exit code says what matters."""
    sys.stderr.write(f"{escape_text(text)}\n")
