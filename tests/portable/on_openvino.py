"""Run graphs on onnxruntime's OpenVINO provider. Run by the interpreter of the portable environment.

    python on_openvino.py REQUEST.json

The request: `folders` (each with a model.onnx), `texts` (a list of lists of token ids), `output` (the .npz to write:
`arr_0`, `arr_1` … are float32 [texts, dim], one for each folder).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from biolord_onnx.session.engine import import_onnxruntime
from biolord_onnx.session.plugins import add_plugin, available_providers
from biolord_onnx.session.providers import find_provider

THREADS = 2


def vectors(folder: str, texts: list[list[int]]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Compute unit vectors one text at a time; a node that OpenVINO leaves to the CPU provider is an error."""
    ort = import_onnxruntime()
    provider = find_provider("openvino", available_providers(ort))
    options = ort.SessionOptions()
    options.log_severity_level = 3
    for key, value in provider.session_options:
        options.add_session_config_entry(key, value)
    add_plugin(ort, options, provider, THREADS)
    session = ort.InferenceSession(Path(folder, "model.onnx"), options)
    if session.get_providers()[0] != provider.ort_name:
        raise RuntimeError(f"{folder} runs on {session.get_providers()}, expected {provider.ort_name} first")
    feeds = [{"input_ids": np.array([ids]), "attention_mask": np.ones((1, len(ids)), np.int64)} for ids in texts]
    return np.concatenate([session.run(["unit_embedding"], feed)[0] for feed in feeds])


def main(request_file: Path) -> None:
    """Answer one request."""
    request = json.loads(request_file.read_text(encoding="utf-8"))
    np.savez(request["output"], *(vectors(folder, request["texts"]) for folder in request["folders"]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
