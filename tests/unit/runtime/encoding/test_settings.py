"""The keywords of encode."""

from __future__ import annotations

from typing import Any

import pytest

from biolord_onnx.artifact.ranges import Ranges
from biolord_onnx.encoding.batching import DEFAULT_TOKEN_BUDGET
from biolord_onnx.encoding.precision import Conversion
from biolord_onnx.encoding.settings import EncodeSettings, merge_normalize, resolve_settings
from biolord_onnx.errors import InputError

RANGES = {"sentence_embedding": Ranges((-2.0,), (2.0,)), "unit_embedding": Ranges((-1.0,), (1.0,))}
DEFAULTS: dict[str, Any] = {
    "normalized_checkpoint": False,
    "normalize": None,
    "batch_tokens": None,
    "batch_size": None,
    "overflow": "truncate",
    "precision": "float32",
    "read_ranges": lambda output: RANGES[output],
}


def resolve(**changes: object) -> EncodeSettings:
    """Resolve the default keywords with changes."""
    return resolve_settings(**(DEFAULTS | changes))


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
