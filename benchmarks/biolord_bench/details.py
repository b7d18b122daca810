"""What is measured once per artefact, after everything that is repeated: stages, grid, roofline, fidelity."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from biolord_bench.fidelity import measured_fidelity, stated_fidelity
from biolord_bench.figures import Fidelity, Roofline
from biolord_bench.layers import Layer
from biolord_bench.measure import grid_speed, stages
from biolord_bench.protocol import Request
from biolord_bench.results import Row
from biolord_bench.roofline import measure_peak
from biolord_bench.workloads import generate
from biolord_onnx.artifact import Artifact
from biolord_onnx.embedder import Embedder
from biolord_onnx.encoder import Encoder, load_tokenizer
from biolord_onnx.engine import import_onnxruntime
from biolord_onnx.session import Session
from biolord_onnx.tokenization import Tokenizer

_TEXTS_TO_SPLIT = 1000
_TEXTS_TO_COMPARE = (("names", 300), ("queries", 50), ("passages", 10))


def add_details(row: Row, artifact: Artifact, session: Session, request: Request, layers: list[Layer]) -> Row:
    """Add stages, grid, roofline and fidelity to a row.

    Args:
        row: so far.
        artifact: what is measured.
        session: of its graph.
        request: says whether a grid or a reference is wanted.
        layers: of its graph.

    Raises:
        BiolordError: the reference can't be used.
    """
    return replace(
        row,
        stages=stages(artifact, session, generate("names", _TEXTS_TO_SPLIT).texts) if row.bulk else None,
        grid=grid_speed(session, _ids(artifact), request.grid, artifact.manifest.max_length.value)
        if request.grid
        else None,
        # The matmuls of the peak are the CPU's.
        roofline=_peaks(layers, session.threads) if layers and session.provider == "cpu" else None,
        fidelity=_fidelity(artifact, session, request.reference),
    )


def _ids(artifact: Artifact) -> NDArray[np.int64]:
    tokenized = Tokenizer.load(artifact.tokenizer_path).tokenize(generate("passages", 4).texts, 10_000)
    return np.array([token for ids in tokenized.ids for token in ids], dtype=np.int64)


def _peaks(layers: list[Layer], threads: int) -> Roofline:
    ort = import_onnxruntime()
    return Roofline(
        measure_peak(ort, layers, "int8", threads), measure_peak(ort, layers, "float32", threads), None, None
    )


def _fidelity(artifact: Artifact, session: Session, reference: str | None) -> Fidelity | None:
    if reference is None:
        return stated_fidelity(artifact.manifest.fidelity)
    texts = [text for name, count in _TEXTS_TO_COMPARE for text in generate(name, count).texts]
    with (
        Embedder(artifact, Encoder(artifact.manifest, load_tokenizer(artifact), session)) as embedder,
        Embedder.load(reference) as expected,
    ):
        return measured_fidelity(embedder, expected, texts)
