"""The oracle's client: what it sends, keeps and reports."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from biolord_export.demo.models import reference_model
from oracle.client import Oracle, folder_digest, installed, oracle_python, read

MODEL = "all-minilm-l6-v2"
TEXTS = ["Cat scratch injury", "", "Bartonellosis due to a cat scratch"]


def test_an_answer_is_read_back_text_by_text(tmp_path: Path) -> None:
    """Ragged token ids come back as one array a text, an empty one included."""
    about = {"max_length": 8, "versions": {"torch": "2"}}
    np.savez(
        tmp_path / "answer.npz",
        vectors=np.ones((3, 4), np.float32),
        token_ids=np.array([5, 6, 7]),
        offsets=np.array([0, 2, 2, 3]),
        about=np.frombuffer(json.dumps(about).encode(), dtype=np.uint8),
    )
    answer = read(tmp_path / "answer.npz")
    assert [ids.tolist() for ids in answer.token_ids] == [[5, 6], [], [7]]
    assert answer.max_length == 8
    assert answer.versions == {"torch": "2"}


def test_a_missing_environment_is_an_error_and_not_a_skip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison that can't be made must not look like one that passed."""
    monkeypatch.setenv("BIOLORD_ORACLE_PYTHON", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="nowhere"):
        oracle_python()


def test_the_failure_of_the_script_is_reported_with_its_words(tmp_path: Path) -> None:
    """An interpreter without sentence-transformers fails with the import error that it printed."""
    oracle = Oracle(Path(sys.executable), tmp_path / "cache")
    with pytest.raises(RuntimeError, match="No module named"):
        oracle(tmp_path, TEXTS)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_checkpoint_that_differs_in_one_byte_has_another_digest(tmp_path: Path) -> None:
    """An answer for one checkpoint is never taken for another's, though its size and place be the same."""
    for folder, content in [("one", b"aaaa"), ("two", b"aaab"), ("same", b"aaaa")]:
        (tmp_path / folder / "inner").mkdir(parents=True)
        (tmp_path / folder / "inner" / "weights").write_bytes(content)
    assert folder_digest(tmp_path / "one") != folder_digest(tmp_path / "two")
    assert folder_digest(tmp_path / "one") == folder_digest(tmp_path / "same")


def test_an_environments_packages_are_listed() -> None:
    """The versions of the asked environment are part of what an answer is kept under."""
    assert f"numpy-{np.__version__}.dist-info" in installed(Path(sys.prefix, "bin", "python"))


@pytest.mark.real
def test_the_oracle_gives_vectors_and_token_ids(oracle: Oracle) -> None:
    """A real checkpoint's answer has unit vectors (it ends in Normalize) and ids with both special tokens."""
    answer = oracle(reference_model(MODEL), TEXTS)
    assert answer.vectors.shape == (len(TEXTS), 384)
    np.testing.assert_allclose(np.linalg.norm(answer.vectors, axis=1), 1.0, atol=1e-5)
    assert answer.token_ids[0].tolist() == [101, 4937, 11969, 4544, 102]
    assert answer.token_ids[1].tolist() == [101, 102]
    assert answer.max_length == 256


@pytest.mark.real
def test_options_replace_the_checkpoints_own_pooling_and_limit(oracle: Oracle) -> None:
    """CLS pooling leaves the Normalize module out, and a limit of 4 cuts the ids at 4."""
    answer = oracle(reference_model(MODEL), TEXTS, pooling="cls", max_length=4)
    assert not np.allclose(np.linalg.norm(answer.vectors, axis=1), 1.0, atol=0.1)
    assert [len(ids) for ids in answer.token_ids] == [4, 2, 4]


@pytest.mark.real
def test_a_second_question_is_answered_from_the_cache(tmp_path: Path) -> None:
    """Asking the same again starts no process; asking something else does."""
    oracle = Oracle(oracle_python(), tmp_path)
    first = oracle(reference_model(MODEL), TEXTS)
    (kept,) = tmp_path.iterdir()
    written = kept.stat().st_mtime_ns
    again = oracle(reference_model(MODEL), TEXTS)
    np.testing.assert_array_equal(first.vectors, again.vectors)
    assert kept.stat().st_mtime_ns == written
    oracle(reference_model(MODEL), TEXTS[:1])
    assert len(list(tmp_path.iterdir())) == 2
