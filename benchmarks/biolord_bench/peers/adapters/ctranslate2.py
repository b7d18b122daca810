"""CTranslate2: converts the checkpoint with its own converter first, which tells whether it knows the architecture."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NoReturn

from ctranslate2.converters import TransformersConverter

from biolord_bench.worker.tool import Settings


def load(settings: Settings) -> NoReturn:
    """Convert a checkpoint.

    Raises:
        ValueError: CTranslate2 has no loader for it.
        RuntimeError: It has one now, and this adapter is to be finished.
    """
    with tempfile.TemporaryDirectory() as folder:
        TransformersConverter(settings.model).convert(str(Path(folder, "converted")), quantization="int8")
    raise RuntimeError("CTranslate2 can convert this architecture now: finish peers/adapters/ctranslate2.py")
