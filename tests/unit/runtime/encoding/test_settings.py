"""The keywords of encode."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from biolord_onnx.artifact.ranges import Ranges
from biolord_onnx.encoding.batching import DEFAULT_TOKEN_BUDGET
from biolord_onnx.encoding.cutting import Cut
from biolord_onnx.encoding.precision import Conversion
from biolord_onnx.encoding.settings import EncodeSettings, merge_normalize, resolve_settings
from biolord_onnx.errors import InputError
from unit.runtime.tiny_artifact import DIM, tiny_manifest

RANGES = {"sentence_embedding": Ranges((-2.0,), (2.0,)), "unit_embedding": Ranges((-1.0,), (1.0,))}
DEFAULTS: dict[str, Any] = {
    "normalize": None,
    "truncate_dim": None,
    "batch_tokens": None,
    "batch_size": None,
    "overflow": "truncate",
    "precision": "float32",
    "read_ranges": lambda output: RANGES[output],
}


def resolve(**changes: Any) -> EncodeSettings:  # noqa: ANN401 - of every type
    """Resolve the default keywords with changes, for a checkpoint that may be normalized."""
    manifest = replace(tiny_manifest(), normalized=changes.pop("normalized_checkpoint", False))
    return resolve_settings(manifest, **(DEFAULTS | changes))


def test_defaults() -> None:
    """Nothing asked for is what sentence-transformers gives, in full precision."""
    assert resolve() == EncodeSettings(
        "sentence_embedding", Conversion("float32"), DEFAULT_TOKEN_BUDGET, None, "truncate"
    )


@pytest.mark.parametrize(
    ("normalized_checkpoint", "normalize", "output"),
    [
        (False, None, "sentence_embedding"),
        (False, False, "sentence_embedding"),
        (False, True, "unit_embedding"),
        (True, None, "sentence_embedding"),
        (True, True, "unit_embedding"),
    ],
)
def test_normalize_chooses_the_output(normalized_checkpoint: bool, normalize: bool | None, output: str) -> None:
    """None leaves it to the checkpoint, True and False force it."""
    assert resolve(normalized_checkpoint=normalized_checkpoint, normalize=normalize).output == output


def test_raw_vectors_of_a_normalized_checkpoint_are_refused() -> None:
    """The artifact doesn't hold them, so asking is an error, not a unit vector in disguise."""
    with pytest.raises(InputError, match="ends in a Normalize module and the artifact holds unit vectors only"):
        resolve(normalized_checkpoint=True, normalize=False)


def test_vectors_that_are_cut_are_normalized_after_that() -> None:
    """So the graph's own unit vectors are of no use."""
    settings = resolve(truncate_dim=3, normalize=True)
    assert (settings.output, settings.cut) == ("sentence_embedding", Cut(3, unit=True))
    assert settings.width(DIM) == 3
    assert resolve(truncate_dim=3).cut == Cut(3, unit=False)
    assert resolve(truncate_dim=DIM, normalize=True).cut is None


@pytest.mark.parametrize("width", [0, -1, DIM + 1])
def test_a_width_that_vectors_do_not_have_is_refused(width: int) -> None:
    """Both numbers are named."""
    with pytest.raises(InputError, match=f"truncate_dim is {width}, the artifact's vectors have {DIM} numbers"):
        resolve(truncate_dim=width)


def test_eight_bits_of_a_cut_take_the_ranges_of_its_dimensions() -> None:
    """Not where vectors are scaled after the cut: nobody looked at those."""
    ranges = Ranges((-2.0,) * DIM, (2.0,) * DIM)
    settings = resolve(truncate_dim=2, precision="int8", read_ranges=lambda _: ranges)
    assert settings.conversion.ranges == Ranges((-2.0, -2.0), (2.0, 2.0))
    with pytest.raises(InputError, match=r"no ranges of vectors that are cut to 2 numbers .* --truncate-dim"):
        resolve(truncate_dim=2, normalize=True, precision="int8", read_ranges=lambda _: ranges)


def test_sizes_are_taken() -> None:
    """Budget and batch size are what was asked for."""
    settings = resolve(batch_tokens=1, batch_size=7)
    assert (settings.token_budget, settings.max_texts) == (1, 7)


@pytest.mark.parametrize("name", ["batch_tokens", "batch_size"])
@pytest.mark.parametrize("value", [0, -5])
def test_sizes_below_one_are_refused(name: str, value: int) -> None:
    """No batch has no room."""
    with pytest.raises(InputError, match=rf"^{name} is {value}, expected 1 or more$"):
        resolve(**{name: value})


@pytest.mark.parametrize("overflow", ["truncate", "error", "window"])
@pytest.mark.parametrize("precision", ["float32", "float16", "binary", "ubinary"])
def test_choices(overflow: str, precision: str) -> None:
    """What is asked for is what is done."""
    settings = resolve(overflow=overflow, precision=precision)
    assert (settings.overflow, settings.conversion) == (overflow, Conversion(precision))  # type: ignore[arg-type]


@pytest.mark.parametrize("precision", ["int8", "uint8"])
@pytest.mark.parametrize(("normalize", "output"), [(None, "sentence_embedding"), (True, "unit_embedding")])
def test_8_bits_take_the_ranges_of_their_output(precision: str, normalize: bool | None, output: str) -> None:
    """Those of the other output would clip, or waste most steps."""
    assert resolve(normalize=normalize, precision=precision).conversion.ranges == RANGES[output]


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("overflow", "one of 'truncate', 'error', 'window'"),
        ("precision", "one of 'float32', 'float16', 'int8', 'uint8', 'binary', 'ubinary'"),
    ],
)
def test_an_unknown_choice_is_refused(name: str, choices: str) -> None:
    """The message lists what there is."""
    with pytest.raises(InputError, match=f"^{name} is 'cut', expected {choices}"):
        resolve(**{name: "cut"})


@pytest.mark.parametrize(
    ("normalize", "normalize_embeddings", "merged"),
    [(None, False, None), (True, False, True), (False, False, False), (None, True, True), (True, True, True)],
)
def test_two_names_for_normalizing(normalize: bool | None, normalize_embeddings: bool, merged: bool | None) -> None:
    """sentence-transformers' False adds nothing, its True is ours."""
    assert merge_normalize(normalize, normalize_embeddings) is merged


def test_a_contradiction_is_refused() -> None:
    """One says raw, the other says unit: neither wins in silence."""
    with pytest.raises(InputError, match="normalize is False and normalize_embeddings is True"):
        merge_normalize(normalize=False, normalize_embeddings=True)
