"""Whole artifacts on the operators of ModernBERT, and on ELECTRA's projection, with made-up weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kernels.encoder import IDS, VECTORS
from kernels.modern import Encoder, ModernGraph, Sizes, whole_model
from unit.runtime.compiled_artifact import SIZES, declare_shapes, write_compiled_artifact

MODERN_SIZES = Sizes(vocabulary=SIZES.vocabulary, positions=SIZES.positions)


def write_modern_artifact(folder: Path, sizes: Sizes = MODERN_SIZES) -> Path:
    """Write an artifact of two layers of a ModernBERT, and return its folder."""
    model = declare_shapes(whole_model(Encoder.random(sizes)), sizes.dim)
    return write_compiled_artifact(folder, replace(SIZES, dim=sizes.dim), model)


def write_projected_artifact(folder: Path, sizes: Sizes = MODERN_SIZES) -> Path:
    """Write an artifact whose token vectors are projected embeddings, and return its folder."""
    graph, encoder = ModernGraph(), Encoder.random(sizes)
    graph.embed_tokens(encoder)
    graph.project(encoder, "result")
    graph.pool()
    model = declare_shapes(graph.model(IDS, VECTORS), sizes.projected)
    return write_compiled_artifact(folder, replace(SIZES, dim=sizes.projected), model)
