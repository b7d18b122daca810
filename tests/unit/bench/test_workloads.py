"""The texts that are measured with."""

from __future__ import annotations

import subprocess
import sys

import pytest

from biolord_bench.sizes import FULL, QUICK, Size
from biolord_bench.workloads import GENERATED, MIXED_TEXTS_A_CALL, generate, of_lines
from biolord_onnx.errors import InputError

DIGESTS = {"names": "3ba5ae56", "queries": "8ff80db6", "passages": "644bf617", "mixed": "d1a59690"}
"""Beginnings of the SHA-256 of the first 100 texts."""


@pytest.mark.parametrize("name", GENERATED)
def test_texts_are_different_and_clean(name: str) -> None:
    """Equal texts would be encoded once; blanks at an end or doubled would be nobody's text."""
    texts = generate(name, 300).texts
    assert len(set(texts)) == len(texts) == 300
    assert all(text == " ".join(text.split()) and text for text in texts)


@pytest.mark.parametrize("name", GENERATED)
def test_fewer_texts_are_the_first_of_more(name: str) -> None:
    """A quick look takes the same texts, only fewer."""
    assert generate(name, 40).texts[:20] == generate(name, 20).texts


def test_texts_are_the_same_in_every_process() -> None:
    """Whatever the hash seed; figures of two environments are of the same texts."""
    code = "from biolord_bench.workloads import generate; print(generate('mixed', 50).size(None).sha256)"
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert printed == {generate("mixed", 50).size(None).sha256}


def test_texts_never_change() -> None:
    """A change of the texts makes older results incomparable: it has to be meant."""
    digests = {name: generate(name, 100).size(None).sha256[:8] for name in GENERATED}
    assert digests == DIGESTS


@pytest.mark.parametrize(
    ("name", "shortest", "longest"), [("names", 1, 12), ("queries", 1, 8), ("passages", 62, 330), ("mixed", 1, 330)]
)
def test_lengths_are_those_of_what_users_embed(name: str, shortest: int, longest: int) -> None:
    """In words; a word of these is about one and a half tokens."""
    counts = [len(text.split()) for text in generate(name, 300).texts]
    assert shortest <= min(counts)
    assert max(counts) <= longest


def test_mixed_texts_come_in_small_calls() -> None:
    """Short and long ones side by side, a few a call; the others come all at once."""
    assert generate("mixed", 8).texts_a_call == MIXED_TEXTS_A_CALL
    assert generate("names", 8).texts_a_call is None


@pytest.mark.parametrize("size", [FULL, QUICK])
def test_each_size_has_every_workload(size: Size) -> None:
    """And as many texts as it says."""
    assert set(size.texts) == set(GENERATED)
    assert len(size.generate("queries").texts) == size.texts["queries"]


def test_an_unknown_workload_is_refused() -> None:
    """With the names that there are."""
    with pytest.raises(
        InputError, match=r"there is no workload 'poems', expected names, queries, passages, mixed or grid"
    ):
        generate("poems", 1)


def test_lines_become_a_workload() -> None:
    """Blank ones are left out."""
    workload = of_lines("notes.txt", ["one", "", "  ", "two"])
    assert (workload.name, workload.texts) == ("notes.txt", ("one", "two"))
    size = workload.size(7)
    assert (size.texts, size.tokens, len(size.sha256)) == (2, 7, 64)


def test_an_empty_file_is_refused() -> None:
    """There is nothing to measure."""
    with pytest.raises(InputError, match=r"notes\.txt has no text"):
        of_lines("notes.txt", ["", " "])
