"""What a user of an artifact's vectors must know: said at the export, kept, and said again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from biolord_onnx.artifact.folder import open_artifact
from tiny.checkpoint import write_checkpoint
from tiny.settings import LIBRARY, NO_MODULES, POOLING, Edit, put
from unit.export.places import Place, run

NOT_ITS_OWN = (
    "texts are pooled by cls (--pooling), sentence-transformers' choice without modules.json is mean: the vectors are "
    "not the checkpoint's"
)


@pytest.mark.parametrize(
    ("edit", "options", "notes"),
    [
        (
            put(POOLING, pooling_mode="max"),
            ("--pooling", "mean"),
            ["texts are pooled by mean (--pooling), the checkpoint's own is max: the vectors are not the checkpoint's"],
        ),
        (
            NO_MODULES,
            ("--pooling", "cls"),
            [NOT_ITS_OWN],
        ),
        (lambda _: None, ("--pooling", "mean"), []),
        (
            put(LIBRARY, prompts={"query": "q: ", "none": ""}, similarity_fn_name="dot"),
            (),
            ["the checkpoint compares vectors by 'dot' (similarity_fn_name), biolord similar by cosine"],
        ),
    ],
)
def test_what_overrules_a_checkpoint_is_said_and_kept(
    tmp_path: Path, edit: Edit, options: tuple[str, ...], notes: list[str]
) -> None:
    """On stderr by export, in the manifest, and by info and verify."""
    model = write_checkpoint(tmp_path / "model")
    edit(model)
    (tmp_path / "place").mkdir()
    place = Place(tmp_path / "place")
    outcome = place.export(model, "--target", "cpu-fp32", *options)
    assert outcome.code == 0, outcome.err
    assert [line for line in outcome.err.splitlines() if line in notes] == notes
    assert list(open_artifact(place.out).manifest.notes) == notes
    shown = run("info", place.out).out.splitlines()
    verified = run("verify", place.out).out.splitlines()
    for note in notes:
        assert f"  {note}" in shown
        assert f"note: {note}" in verified
    assert ("notes" in shown) is bool(notes)
    assert json.loads(run("verify", place.out, "--json").out)["notes"] == notes


def test_a_reference_that_is_pooled_like_the_artifact_says_so(tmp_path: Path) -> None:
    """Fidelity to it is none to the checkpoint."""
    model = write_checkpoint(tmp_path / "model")
    (tmp_path / "place").mkdir()
    place = Place(tmp_path / "place")
    assert place.export(model, "--target", "cpu-fp32", "--pooling", "cls").code == 0
    (tmp_path / "texts.txt").write_text("Cat scratch injury\nfever\n", encoding="utf-8")
    outcome = run("verify", place.out, "--reference", model, "--texts", tmp_path / "texts.txt")
    assert "(model, pooled by cls like the artifact, not by mean)" in outcome.out, outcome
