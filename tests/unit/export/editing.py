"""Changing single values in the files of a checkpoint or an artifact."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

Tensors = dict[str, NDArray[np.generic]]


def edit_json(path: Path, **members: object) -> None:
    """Set members of a JSON object, and leave the rest as it is."""
    values = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**values, **members}), encoding="utf-8")


def edit_tensors(path: Path, change: Callable[[Tensors], None]) -> None:
    """Change the tensors of a safetensors file."""
    tensors: Tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata={"format": "pt"})


def blunt(tensors: Tensors) -> None:
    """Make weights that no grid of 8 bits can hold.

    One inner channel of each feed-forward network gets weights a million times its neighbors', and never carries a
    value, so that the exact model doesn't notice it.
    """
    for name, values in tensors.items():
        if ".intermediate.dense." in name:
            values[0] = -100 if name.endswith("bias") else 0
        elif name.endswith("output.dense.weight") and "attention" not in name:
            values[:, 0] = 1e6


def overflow(tensors: Tensors) -> None:
    """Make weights that are finite, and a model that isn't."""
    for name, values in tensors.items():
        if "intermediate" in name or "output.dense" in name:
            values[...] = 1e30
