"""kjarni, an engine in Rust that reads a checkpoint's own weights. It has no thread option: CPU affinity limits it.

Its class takes names of models alone, its library a path, too: hence the look behind the class.
"""

from __future__ import annotations

from ctypes import byref, c_void_p
from functools import partial

from kjarni._ffi import KjarniDevice, _lib, check_error
from kjarni.embedder import Embedder

from biolord_bench.worker.tool import Batched, Settings, in_batches, sentence_length

BATCHES = (4, 8, 16, 32, 64)


def load(settings: Settings) -> Batched:
    """Load a checkpoint's folder."""
    config = _lib.kjarni_embedder_config_default()
    config.device, config.normalize, config.quiet = KjarniDevice.CPU, 1, 1
    config.model_path = settings.model.encode()
    embedder = Embedder.__new__(Embedder)
    handle = c_void_p()
    check_error(_lib.kjarni_embedder_new(byref(config), byref(handle)))
    vars(embedder)["_handle"] = handle
    return Batched(partial(in_batches, embedder.encode_batch), sentence_length(settings.model))
