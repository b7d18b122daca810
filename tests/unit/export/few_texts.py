"""``biolord`` with every eighth of the exporter's own texts.

Calibrating and verifying on all of them takes most of a tiny checkpoint's export. As a process:
``python -m unit.export.few_texts export …`` in the folder of the tests.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from biolord_export import corpus
from biolord_onnx.cli.main import main

EVERY = 8
_all = corpus._builtin


def _few(folder: str, kind: str) -> list[str]:
    return _all(folder, kind)[::EVERY]


@contextmanager
def few_texts() -> Iterator[None]:
    """Calibrate and verify on few texts meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus, "_builtin", _few)
        yield


if __name__ == "__main__":
    with few_texts():
        sys.exit(main())
