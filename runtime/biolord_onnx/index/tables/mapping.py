"""Arrays in files: written once, and mapped ever after."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


def mapped(path: Path, dtype: DTypeLike, shape: tuple[int, ...]) -> NDArray[Any]:
    """Map an array, which must fill its file.

    Args:
        path: Of the file.
        dtype: Of a number.
        shape: Of the array.

    Raises:
        ValueError: It doesn't.
    """
    size, expected = path.stat().st_size, math.prod(shape) * np.dtype(dtype).itemsize
    if size != expected:
        raise ValueError(f"{path.name} has {size} bytes, expected {expected}")
    if 0 in shape:
        return np.empty(shape, dtype)  # nothing can't be mapped
    # A view, as np.memmap looks at its file again with every slice.
    return np.memmap(path, dtype, "r", shape=shape).view(np.ndarray)
