"""The texts are the same everywhere and as long as users' are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from biolord_bench.run.jobs import Job
from biolord_bench.workloads.counted import Counter, Written, fits
from biolord_bench.workloads.workloads import GENERATED, compared, generate, of_lines
from biolord_bench.workloads.writer import (
    CALIBRATION_TEXTS,
    DEFINITIONS,
    NAMES,
    REQUEST_SIZE,
    calibration_texts,
    definitions,
    names,
    passages,
    requests,
)
from biolord_export.demo.models import reference_model
from biolord_onnx.errors import InputError

DIGESTS = {
    "queries": "901b126a16b4255f71f0709ee0d357a6ff3a4dc55e33786198f9643332dafaeb",
    "names": "537773ebe95c8d1bb1427ccfb471cde5653768d6cf556f8888e0c3f258a5e40c",
    "definitions": "4f8f5545663234dc7b1b8d1a89c13518a310fc808653d8a0eab56f088ab55bc5",
    "long": "4d4cc3b5080a6d83756cdf274ea20d6c013f2f0fbdeee3339ed4d5067385501f",
    "mixed": "e422b6d66a265d3f9af5c536475cf968eff9137235ef8936586a033eeef062c3",
}


def words(texts: tuple[str, ...]) -> float:
    """Mean number of words."""
    return float(np.mean([len(text.split()) for text in texts]))


@pytest.mark.parametrize("name", sorted(DIGESTS))
def test_texts_are_the_same_on_every_machine(name: str) -> None:
    """Figures of two machines are about the same texts: generation depends on nothing but its seed."""
    assert generate(name).sha256 == DIGESTS[name]


def test_texts_are_distinct() -> None:
    """Nobody gains by remembering a text it has encoded already."""
    assert len(set(names())) == NAMES
    assert len(set(definitions())) == DEFINITIONS


def test_a_prefix_has_the_lengths_of_the_whole() -> None:
    """Slow tools encode fewer texts, not shorter ones."""
    for texts, least in ((names(), 200), (definitions(), 40), (passages(), 16)):
        assert words(texts[:least]) == pytest.approx(words(texts), rel=0.05)


def test_calibration_texts_are_not_measured_ones() -> None:
    """What a peer's quantization is calibrated on is like the measured texts and yet new."""
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
    """The file holds the very texts."""
    for written in texts.values():
        assert tuple(json.loads(written.path.read_text(encoding="utf-8"))) == written.workload.texts


def test_tokens_are_counted_by_the_tokenizer_of_an_artifact_or_a_checkpoint(
    jobs: Sequence[Job], texts: Mapping[str, Written], tmp_path: Path
) -> None:
    """Each text's before any cut, the same by either road."""
    (tmp_path / "tokenizer.json").write_bytes((jobs[0].model / "tokenizer.json").read_bytes())
    for written in texts.values():
        by_artifact = Counter().count(jobs[0].model, written.workload)
        assert by_artifact.shape == (len(written.workload.texts),)
        assert (by_artifact == Counter().count(tmp_path, written.workload)).all()


def test_compared_texts_mix_lengths_within_a_batch() -> None:
    """Three names to a sentence, next to each other, so that batches are padded."""
    found = compared(16).texts
    assert len(found) == len(set(found)) == 16


def test_a_workload_fits_a_tool_that_cuts_next_to_nothing() -> None:
    """A tool that would drop tokens would do another job; up to a hundredth is let pass, and what the model drops."""
    tokens = np.array([240, 250, 1000])
    assert fits(tokens, 384, 384)
    assert fits(tokens, 384, 376)
    assert not fits(tokens, 384, 374)


def test_an_unknown_workload_is_refused() -> None:
    """With the names that there are."""
    with pytest.raises(InputError, match="'poems', expected queries, names, definitions, long, mixed or grid"):
        generate("poems")


def test_mixed_texts_come_in_small_calls() -> None:
    """Short and long ones side by side, a few a call; the others come all at once."""
    assert [generate(name).texts_a_call for name in GENERATED] == [None, None, None, None, REQUEST_SIZE]


def test_lines_become_a_workload() -> None:
    """Blank ones are left out, and all others are encoded."""
    workload = of_lines("notes.txt", ["one", "", "  ", "two"])
    assert (workload.name, workload.texts, workload.whole) == ("notes.txt", ("one", "two"), True)
    with pytest.raises(InputError, match=r"notes\.txt has no text"):
        of_lines("notes.txt", ["", " "])


@pytest.mark.real
def test_token_counts_are_those_of_users_texts() -> None:
    """With the checkpoint's tokenizer the workloads have the lengths that their descriptions state."""
    checkpoint = reference_model("all-mpnet-base-v2")
    counts = {name: Counter().count(checkpoint, generate(name)) for name in GENERATED}
    for name in ("names", "queries"):
        assert 8.5 <= counts[name].mean() <= 10.5
        assert counts[name].max() <= 30
        assert 17 <= np.percentile(counts[name], 99) <= 22
    assert 31 <= counts["definitions"].mean() <= 35
    assert counts["definitions"].min() >= 8
    assert np.percentile(counts["definitions"], 99) <= 130
    assert 225 <= counts["long"].mean() <= 255
    assert counts["mixed"].reshape(-1, REQUEST_SIZE).max(axis=1).min() > 60
