"""A cross-encoder becomes an artifact that reranks: `biolord export` and `biolord verify`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from biolord_export.corpus import golden_texts
from biolord_export.reranking.fidelity import RankingReport
from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.reranker import Reranker
from tiny.cross_encoder import write_cross_encoder
from unit.export.editing import blunt, edit_tensors, overflow
from unit.export.places import Place, run
from unit.export.schema import VALIDATOR
from unit.runtime.command import Outcome

pytestmark = pytest.mark.slow

TEXTS = ("fever", "cat scratch", "", "the dog bite of a cat", "injury")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a tiny cross-encoder to read."""
    return write_cross_encoder(tmp_path_factory.mktemp("checkpoints") / "tiny-cross")


@pytest.fixture(scope="module")
def few_texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a calibration file that takes no time."""
    path = tmp_path_factory.mktemp("texts") / "few.txt"
    path.write_text("".join(f"cat scratch of the {word} {n}\n" for n in range(20) for word in ("heart", "dog", "knee")))
    return path


@pytest.fixture(scope="module")
def exported(model: Path, few_texts: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Outcome]]:
    """Export it to two targets; a tiny random model is no measure of fidelity."""
    folder, made = tmp_path_factory.mktemp("exported"), {}
    for target, options in (("cpu-fp32", ()), ("cpu-int8", ("--calibration", few_texts, "--accept-below-gate"))):
        out = folder / target
        made[target] = out, run("export", model, out, "--target", target, *options)
    return made


def scores(path: Path) -> Iterator[float]:
    """Score some texts, before the activation."""
    with Reranker.load(path) as reranker:
        yield from reranker.score("cat scratch", TEXTS, raw=True).tolist()


def test_an_export_measures_itself_and_says_so(exported: dict[str, tuple[Path, Outcome]]) -> None:
    """The report has the figures of rankings; the manifest has them, too, and is one by the schema."""
    out, outcome = exported["cpu-int8"]
    assert outcome.code == 0, outcome
    assert "calibrating on 60 pairs of texts (few.txt)" in outcome.err
    assert "verifying on 76 queries that calibration never saw" in outcome.err
    assert "same top-10 order" in outcome.out
    document = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert VALIDATOR.is_valid(document)
    assert [group["kind"] for group in document["fidelity"]["groups"]] == ["names", "passages", "general"]
    assert document["quantization"]["calibration"]["pairs"] == 60
    assert document["batch_invariance"]["bound"] == 0
    assert document["golden"]["texts"] == list(golden_texts())
    assert {entry["name"] for entry in document["files"]} == {
        "model.onnx",
        "model.onnx.data",
        "tokenizer.json",
        "NOTICE",
    }


def test_8_bits_score_nearly_as_float32(exported: dict[str, tuple[Path, Outcome]]) -> None:
    """The same graph in whole numbers: types, head and all."""
    exact, found = (np.array(list(scores(exported[target][0]))) for target in ("cpu-fp32", "cpu-int8"))
    assert exact.std() > 0.1
    assert np.abs(exact - found).max() < 0.5 * exact.std()
    assert np.corrcoef(exact, found)[0, 1] > 0.98
    assert open_artifact(exported["cpu-fp32"][0]).manifest.fidelity is None


def test_verify_knows_rankings(exported: dict[str, tuple[Path, Outcome]], model: Path, tmp_path: Path) -> None:
    """The manifest's figures with the bits of this machine; or those against a checkpoint or another artifact."""
    out, exact = exported["cpu-int8"][0], exported["cpu-fp32"][0]
    shown = run("verify", out)
    assert "give the vectors of the export" in shown.out
    assert "same top-10 order" in shown.out
    texts = tmp_path / "texts.txt"
    texts.write_text("cat\ndog\ncat scratch\ndog bite\nfever\n", encoding="utf-8")
    for reference, name in (
        (model, "float32 graph written from the same checkpoint (tiny-cross)"),
        (exact, "artifact tiny-"),
    ):
        report = json.loads(run("verify", exact, "--reference", reference, "--texts", texts, "--json").out)["fidelity"]
        assert report["reference"].startswith(name)
        assert report["groups"][0]["queries"] == 5
        assert report["groups"][0]["pearson"] == pytest.approx(1)
        assert report["passed"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--pairs", "pairs.tsv"), "--pairs ranks by cosine, which a reranker has none of: leave it out"),
        (("--engine", "torch"), "--engine torch runs checkpoints that embed texts, this artifact is a reranker"),
    ],
)
def test_what_verify_refuses(
    exported: dict[str, tuple[Path, Outcome]], model: Path, options: tuple[str, ...], message: str
) -> None:
    """What only vectors have."""
    run("verify", exported["cpu-fp32"][0], "--reference", model, *options).assert_error(message)


def test_a_reference_that_embeds_is_refused(exported: dict[str, tuple[Path, Outcome]], tiny_bert: Path) -> None:
    """By name."""
    run("verify", exported["cpu-fp32"][0], "--reference", tiny_bert).assert_error(
        "tiny-bert embeds texts and scores no"
    )


def test_what_export_refuses(model: Path, place: Place, few_texts: Path) -> None:
    """Targets that are traced, and a vocabulary cut for vectors."""
    place.assert_refused(model, "--target", "portable-fp32", message="can't be exported to portable-fp32")
    place.assert_refused(
        model, "--keep-vocabulary", few_texts, message="--keep-vocabulary is for checkpoints that embed"
    )


def test_a_ranking_below_its_gate_is_not_written(tmp_path: Path, place: Place, few_texts: Path) -> None:
    """Weights that 8 bits can't hold."""
    model = write_cross_encoder(tmp_path / "blunt")
    edit_tensors(model / "model.safetensors", blunt)
    outcome = place.export(model, "--calibration", few_texts)
    assert outcome.code == 1
    assert "its fidelity is below the gate of cpu-int8: names: " in outcome.err
    assert place.left == []


def test_weights_that_overflow_are_refused(tmp_path: Path, place: Place) -> None:
    """In the float32 graph already."""
    model = write_cross_encoder(tmp_path / "large")
    edit_tensors(model / "model.safetensors", overflow)
    outcome = place.export(model, "--target", "cpu-fp32")
    assert outcome.code == 2
    assert "scores that aren't finite" in outcome.err


def test_the_encoder_alone_embeds(model: Path, place: Place) -> None:
    """With --pooling, as it says."""
    assert place.export(model, "--target", "cpu-fp32", "--pooling", "cls").code == 0
    assert open_artifact(place.out).manifest.reranking is None


OTHERS = (("mpnet", "cpu-int4"), ("xlm-roberta", "cpu-int8"), ("bert", "cuda-fp16"))


@pytest.mark.real
@pytest.mark.parametrize(("architecture", "target"), OTHERS)
def test_other_targets(tmp_path: Path, place: Place, few_texts: Path, architecture: str, target: str) -> None:
    """Each measured on the same queries; float16 on its CPU proxy, since no GPU is here."""
    model = write_cross_encoder(tmp_path / "model", architecture=architecture)
    options = () if target == "cuda-fp16" else ("--calibration", few_texts, "--accept-below-gate")
    outcome = place.export(model, "--target", target, *options)
    assert outcome.code == 0, outcome
    fidelity = open_artifact(place.out).manifest.fidelity
    assert fidelity is not None
    report = RankingReport.from_json(fidelity, "manifest.json")
    assert all(group.pearson > (0.9 if target == "cpu-int4" else 0.97) for group in report.groups)
