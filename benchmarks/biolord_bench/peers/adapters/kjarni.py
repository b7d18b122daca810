"""kjarni, an engine in Rust that reads a checkpoint's own weights. It has no thread option: CPU affinity limits it.

Its class takes names of models alone, its library a path, too: hence the look behind the class.
"""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref, c_void_p

import numpy as np
from kjarni._ffi import KjarniDevice, _lib, check_error
from kjarni.embedder import Embedder
from numpy.typing import NDArray

from biolord_bench.worker.tool import Settings, in_batches, sentence_length

BATCHES = (4, 8, 16, 32, 64)


class Model:
    """An `Embedder`."""

    def __init__(self, embedder: Embedder, max_length: int) -> None:
        self._embedder = embedder
        self.max_length = max_length
        self.batch = 32

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode in batches of texts of like length."""
        return in_batches(texts, self.batch, self._encode)

    def _encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.asarray(self._embedder.encode_batch(list(texts)), dtype=np.float32)


def load(settings: Settings) -> Model:
    """Load a checkpoint's folder."""
    config = _lib.kjarni_embedder_config_default()
    config.device, config.normalize, config.quiet = KjarniDevice.CPU, 1, 1
    config.model_path = settings.model.encode()
    embedder = Embedder.__new__(Embedder)
    handle = c_void_p()
    check_error(_lib.kjarni_embedder_new(byref(config), byref(handle)))
    vars(embedder)["_handle"] = handle
    return Model(embedder, sentence_length(settings.model))
