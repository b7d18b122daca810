"""The command that compares an artifact with what torch makes of its checkpoint, in an environment that has torch."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from biolord_export.demo.models import reference_model
from biolord_export.verification.fidelity import FidelityReport
from golden.texts import TEXTS
from portable.environments import interpreter, run
from real.exports import MINILM, RealExports
from table.modules import DIM, dense, listed, named
from tiny.checkpoint import write_checkpoint
from tiny.settings import LIBRARY, in_turn, put
from unit.export.editing import edit_json

pytestmark = pytest.mark.real
HERE = Path(__file__).parents[1]


def test_a_float32_artifact_is_what_torch_computes(
    exported: RealExports, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    """Another tokenizer, another encoder and another pooling give the same vectors, odd texts included."""
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join(" ".join(text.split()) for text in TEXTS), encoding="utf-8")
    artifact = exported(MINILM, "cpu-fp32")
    options: list[str | Path] = ["--reference", reference_model(MINILM), "--texts", texts, "--engine", "torch"]
    out = run([interpreter("oracle"), "-m", "biolord_onnx.cli.main", "verify", artifact.path, "--json", *options])
    report = FidelityReport.from_json(json.loads(out)["fidelity"], "stdout")
    (group,) = report.groups
    figure(f"{artifact.manifest.name} against {report.reference}: cosine minimum {group.cosine_min:.12f}")
    assert report.reference.startswith("float32 by torch ")
    assert group.texts > 8
    assert group.cosine_min > 0.999999


@pytest.mark.parametrize("lower", [True, False])
def test_torch_reads_what_the_exporter_reads(tmp_path: Path, lower: bool) -> None:
    """A checkpoint with pytorch_model.bin alone, and one whose texts sentence-transformers lowers."""
    folder = write_checkpoint(tmp_path / "model")
    edit_json(folder / "sentence_bert_config.json", do_lower_case=lower)
    edit_json(folder / "tokenizer.json", normalizer={"type": "NFC"})
    run([interpreter("oracle"), HERE / "family" / "there.py", "pickle", folder])
    texts = tmp_path / "texts.txt"
    texts.write_text("Cat scratch INJURY\nFEVER\nbartonellosis, FOUND late\n", encoding="utf-8")
    biolord: list[str | Path] = [interpreter("oracle"), "-m", "biolord_onnx.cli.main"]
    run([*biolord, "export", folder, tmp_path / "artifact", "--target", "cpu-fp32"])
    options: list[str | Path] = ["--reference", folder, "--texts", texts, "--engine", "torch", "--json"]
    (group,) = json.loads(run([*biolord, "verify", tmp_path / "artifact", *options]))["fidelity"]["groups"]
    assert group["cosine_min"] > 0.999999


def test_torch_runs_the_modules_behind_the_encoder(tmp_path: Path) -> None:
    """Every pooling, joined, of the tokens behind a prompt; layers, length 1 and a cut."""
    folder = write_checkpoint(tmp_path / "model")
    edit = in_turn(
        named("cls", "max", "mean", "weightedmean", "lasttoken", "mean_sqrt_len_tokens", include_prompt=False),
        listed("Dense", "Normalize", "Dense"),
        dense("2_Dense", (6 * DIM, 48)),
        dense("4_Dense", (48, 40), "torch.nn.modules.activation.GELU"),
        put(LIBRARY, truncate_dim=32, prompts={"query": "fever of: "}, default_prompt_name="query"),
    )
    edit(folder)
    texts = tmp_path / "texts.txt"
    texts.write_text("Cat scratch injury\nfever\nbartonellosis found late\n", encoding="utf-8")
    biolord: list[str | Path] = [interpreter("oracle"), "-m", "biolord_onnx.cli.main"]
    run([*biolord, "export", folder, tmp_path / "artifact", "--target", "cpu-fp32"])
    options: list[str | Path] = ["--reference", folder, "--texts", texts, "--engine", "torch", "--json"]
    (group,) = json.loads(run([*biolord, "verify", tmp_path / "artifact", *options]))["fidelity"]["groups"]
    assert group["cosine_min"] > 0.999999
