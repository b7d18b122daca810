"""The texts are the same everywhere and as long as users' are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from biolord_bench.peers.texts import LIMIT, Written, write_workloads
from biolord_bench.peers.workloads import (
    CALIBRATION_TEXTS,
    CUT,
    DEFINITIONS,
    NAMES,
    REQUEST_SIZE,
    calibration_texts,
    definitions,
    names,
    passages,
    requests,
    workloads,
)
from biolord_export.reference import reference_model

DIGESTS = {
    "queries": "901b126a16b4255f71f0709ee0d357a6ff3a4dc55e33786198f9643332dafaeb",
    "names": "537773ebe95c8d1bb1427ccfb471cde5653768d6cf556f8888e0c3f258a5e40c",
    "definitions": "4f8f5545663234dc7b1b8d1a89c13518a310fc808653d8a0eab56f088ab55bc5",
    "long": "4d4cc3b5080a6d83756cdf274ea20d6c013f2f0fbdeee3339ed4d5067385501f",
    "mixed": "e422b6d66a265d3f9af5c536475cf968eff9137235ef8936586a033eeef062c3",
}
ALL = {workload.name: workload for workload in workloads(["one", "two"])}


def words(texts: tuple[str, ...]) -> float:
    """Mean number of words."""
    return float(np.mean([len(text.split()) for text in texts]))


@pytest.mark.parametrize("name", sorted(DIGESTS))
def test_texts_are_the_same_on_every_machine(name: str) -> None:
    """Figures of two machines are about the same texts: generation depends on nothing but its seed."""
    assert ALL[name].sha256 == DIGESTS[name]


def test_texts_are_distinct() -> None:
    """Nobody gains by remembering a text it has encoded already."""
    assert len(set(names())) == NAMES
    assert len(set(definitions())) == DEFINITIONS


def test_a_prefix_has_the_lengths_of_the_whole() -> None:
    """Slow tools encode fewer texts, not shorter ones."""
    for texts, least in ((names(), 200), (definitions(), 40), (passages(), 16)):
        assert words(texts[:least]) == pytest.approx(words(texts), rel=0.05)


def test_calibration_texts_are_not_measured_ones() -> None:
    """What a peer's quantisation is calibrated on is like the measured texts and yet new."""
    texts = calibration_texts()
    assert len(set(texts)) == CALIBRATION_TEXTS
    assert set(texts).isdisjoint([*names(), *definitions()])
    assert words(texts) == pytest.approx((words(names()) + words(definitions())) / 2, rel=0.1)


def test_requests_mix_short_and_long() -> None:
    """Each small request holds names, a sentence and a paragraph."""
    group = requests(3)[:REQUEST_SIZE]
    lengths = [len(text.split()) for text in group]
    assert len(group) == REQUEST_SIZE
    assert max(lengths) > 60
    assert min(lengths) < 8


def test_workloads_are_written_as_the_workers_read_them(texts: Mapping[str, Written]) -> None:
    """The file holds the very texts, and a count for each."""
    for written in texts.values():
        assert tuple(json.loads(written.path.read_text(encoding="utf-8"))) == written.workload.texts
        assert written.tokens.shape == (len(written.workload.texts),)
        assert written.tokens.max() <= LIMIT


def test_fidelity_texts_mix_lengths_within_a_batch(texts: Mapping[str, Written]) -> None:
    """Three names to a sentence, next to each other, so that batches are padded."""
    found = texts["fidelity"].workload.texts
    assert len(found) == 16
    assert len(set(found)) == 16


def test_a_workload_fits_a_tool_that_cuts_next_to_nothing(texts: Mapping[str, Written]) -> None:
    """A tool that would drop tokens would do another job; up to a hundredth is let pass."""
    written = texts["long"]
    assert written.fits(LIMIT)
    assert not written.fits(LIMIT / 2)


@pytest.mark.real
def test_token_counts_are_those_of_users_texts(tmp_path: Path) -> None:
    """With the checkpoint's tokenizer the workloads have the lengths that their descriptions state."""
    written = write_workloads(tmp_path, reference_model("all-mpnet-base-v2") / "tokenizer.json", 40)
    counts = {name: item.tokens for name, item in written.items()}
    for name in ("names", "queries"):
        assert 8.5 <= counts[name].mean() <= 10.5
        assert counts[name].max() <= 30
        assert 17 <= np.percentile(counts[name], 99) <= 22
    assert 31 <= counts["definitions"].mean() <= 35
    assert counts["definitions"].min() >= 8
    assert np.percentile(counts["definitions"], 99) <= 130
    assert 225 <= counts["long"].mean() <= 255
    assert counts["cut128"].mean() == pytest.approx(CUT, abs=1)
    assert counts["cut128"].max() <= CUT + 1
    assert counts["mixed"].reshape(-1, REQUEST_SIZE).max(axis=1).min() > 60
