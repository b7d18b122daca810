"""Tracing, in an environment without torch: the error. With it: tests/real/test_portable.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from biolord_export.checkpoint.source import open_checkpoint
from biolord_export.corpus import Corpus
from biolord_export.errors import ExportError
from biolord_export.portable.tracing import trace_encoder
from biolord_export.roads.portable import PortableFloatRoad, PortableIntegerRoad
from biolord_export.roads.road import Road
from biolord_export.vocabulary.pruning import keep_vocabulary
from biolord_onnx.errors import MissingDependencyError
from unit.export.places import Place


@pytest.mark.skipif(importlib.util.find_spec("optimum") is not None, reason="optimum is installed here")
@pytest.mark.parametrize("road", [PortableFloatRoad(), PortableIntegerRoad()])
def test_without_optimum_the_pip_command_is_named(tiny_bert: Path, road: Road) -> None:
    """Both roads say what to install, and what of it is missing."""
    remedy = r"optimum-onnx: pip install 'biolord-onnx\[cpu,export,optimum\]'"
    with pytest.raises(MissingDependencyError, match=rf"portable-x needs torch, .*{remedy}"):
        road.check(open_checkpoint(str(tiny_bert)), "portable-x")


@pytest.mark.skipif(importlib.util.find_spec("optimum") is not None, reason="optimum is installed here")
@pytest.mark.parametrize("target", ["portable-fp32", "portable-int8"])
def test_the_export_is_refused_before_anything_is_computed(place: Place, tiny_mpnet: Path, target: str) -> None:
    """Not after minutes of calibration: nothing but the one line is said."""
    outcome = place.export(tiny_mpnet, "--target", target)
    assert (outcome.code, outcome.out) == (2, "")
    (line,) = outcome.err.splitlines()
    assert line.startswith(f"biolord: {target} needs torch, ")
    assert not place.out.exists()


def test_a_kept_vocabulary_is_refused(tiny_bert: Path) -> None:
    """The traced graph would look tokens up under the ids that they had."""
    kept = keep_vocabulary(open_checkpoint(str(tiny_bert)), Corpus(("fever",), "mine.txt"))
    with pytest.raises(ExportError, match=r"has the whole vocabulary: leave --keep-vocabulary out"):
        trace_encoder(kept)
