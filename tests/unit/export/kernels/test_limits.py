"""Sizes that the compiled operators don't take are refused before weights are read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from biolord_export.targets import TARGETS
from tiny.checkpoint import write_checkpoint
from tiny.weights import Sizes
from unit.export.places import Place

COMPILED = [name for name, target in TARGETS.items() if target.operators]


@pytest.mark.parametrize("target", COMPILED)
@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        (Sizes(hidden=96, heads=6), "hidden_size is 96, expected a multiple of 64 up to 4096"),
        (Sizes(hidden=32, heads=2), "hidden_size is 32, expected a multiple of 64 up to 4096"),
        (Sizes(hidden=4160, heads=65, layers=0), "hidden_size is 4160, expected a multiple of 64 up to 4096"),
        (Sizes(inner=96), "intermediate_size is 96, expected a multiple of 64 up to 16384"),
        (Sizes(inner=16_448, layers=0), "intermediate_size is 16448, expected a multiple of 64 up to 16384"),
        (Sizes(heads=8), "num_attention_heads is 8, which makes heads of 8 channels, expected a multiple of 16"),
    ],
)
def test_sizes_are_refused_by_name(place: Place, tmp_path: Path, target: str, sizes: Sizes, message: str) -> None:
    """The line names the file, the key, both values, and the target that takes any size."""
    model = write_checkpoint(tmp_path / "model", sizes=sizes)
    (model / "model.safetensors").write_bytes(b"not read")
    place.assert_refused(
        model, "--target", target, message=f"{model / 'config.json'}: {message} for {target}: take --target cpu-fp32"
    )


@pytest.mark.parametrize("target", COMPILED)
def test_long_texts_are_refused_with_the_length_to_give(place: Place, tmp_path: Path, target: str) -> None:
    """What counts is max_length, wherever it comes from, not how many positions there are."""
    model = write_checkpoint(tmp_path / "model", sizes=Sizes(positions=600), max_seq_length=513)
    remedy = f"{target} takes 512 at most: give --max-length 512, or take --target cpu-fp32"
    place.assert_refused(
        model, "--target", target, message=f"texts may have 513 tokens (sentence_bert_config.json), {remedy}"
    )
    place.assert_refused(
        model,
        *("--target", target, "--max-length", "590"),
        message=f"texts may have 590 tokens (--max-length (sentence_bert_config.json: 513)), {remedy}",
    )


@pytest.mark.parametrize(
    ("architecture", "sizes", "options", "message"),
    [
        ("modernbert", Sizes(heads=4), (), "makes heads of 16 channels, expected a multiple of 32 for cpu-int8"),
        ("modernbert", Sizes(heads=2, positions=9000), ("--max-length", "8193"), "cpu-int8 takes 8192 at most"),
        ("electra", Sizes(embedding=96), (), "embedding_size is 96, expected a multiple of 64 up to 4096 for cpu-int8"),
    ],
)
def test_limits_of_architectures_are_refused_by_name(
    place: Place, tmp_path: Path, architecture: str, sizes: Sizes, options: tuple[str, ...], message: str
) -> None:
    """Rotary positions reach farther, and want wider heads; ELECTRA's embeddings have a width of their own."""
    sizes = replace(sizes, layers=1)
    model = write_checkpoint(tmp_path / "model", architecture=architecture, sizes=sizes, max_seq_length=20)
    result = place.export(model, "--target", "cpu-int8", *options)
    assert result.code == 2
    assert message in result.err
    assert not place.out.exists()


def test_gated_channels_have_no_portable_int8(place: Place, tmp_path: Path) -> None:
    """Refused before torch is asked for, with the targets that take them."""
    model = write_checkpoint(tmp_path / "model", architecture="modernbert")
    result = place.export(model, "--target", "portable-int8")
    assert result.code == 2
    assert "portable-int8 has no grid for: take cpu-int8, or portable-fp32" in result.err


@pytest.mark.parametrize("architecture", ["mpnet", pytest.param("bert", marks=pytest.mark.real)])
def test_more_positions_than_a_text_may_have_are_no_hindrance(place: Place, tmp_path: Path, architecture: str) -> None:
    """The graph keeps those that texts have; the refused length is taken by the target that is named."""
    model = write_checkpoint(
        tmp_path / "model", architecture=architecture, sizes=Sizes(positions=600, layers=1), max_seq_length=512
    )
    assert place.export(model, "--target", "cpu-int8", "--accept-below-gate").code == 0
    assert place.export(model, "--target", "cpu-fp32", "--max-length", "590", "--force").code == 0
