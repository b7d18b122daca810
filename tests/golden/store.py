"""The golden files: whole vectors that sentence-transformers gave for fixed texts, with what gave them.

One .npz a reference model, without pickled objects: `vectors` float32 [texts, dim]; `token_ids` and `offsets`
int64, the ids of text i being `token_ids[offsets[i]:offsets[i + 1]]`; `about`, JSON as bytes, with `model`,
`weights_sha256`, `max_length`, `texts` and `versions`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

MODELS = ("all-minilm-l6-v2", "all-mpnet-base-v2")


@dataclass(frozen=True)
class Golden:
    """The content of one golden file; see the module's docstring."""

    model: str
    weights_sha256: str
    max_length: int
    texts: tuple[str, ...]
    versions: Mapping[str, str]
    vectors: npt.NDArray[np.float32]
    token_ids: list[npt.NDArray[np.int64]]


def golden_file(model: str) -> Path:
    """Where a model's golden file lies."""
    return Path(__file__).with_name(f"{model}.npz")


def load_golden(model: str) -> Golden:
    """Read a model's golden file."""
    with np.load(golden_file(model), allow_pickle=False) as arrays:
        about = json.loads(arrays["about"].tobytes())
        offsets = arrays["offsets"]
        return Golden(
            **about | {"texts": tuple(about["texts"])},
            vectors=arrays["vectors"],
            token_ids=[arrays["token_ids"][start:end] for start, end in pairwise(offsets)],
        )


def save_golden(golden: Golden, path: Path) -> None:
    """Write a golden file; the same content gives the same bytes."""
    about = {
        "model": golden.model,
        "weights_sha256": golden.weights_sha256,
        "max_length": golden.max_length,
        "texts": golden.texts,
        "versions": dict(golden.versions),
    }
    np.savez_compressed(
        path,
        vectors=golden.vectors,
        token_ids=np.concatenate(golden.token_ids),
        offsets=np.cumsum([0, *map(len, golden.token_ids)], dtype=np.int64),
        about=np.frombuffer(json.dumps(about, ensure_ascii=False).encode(), dtype=np.uint8),
    )
