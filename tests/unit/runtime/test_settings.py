"""The keywords of encode."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from biolord_onnx.batching import DEFAULT_TOKEN_BUDGET
from biolord_onnx.errors import InputError
from biolord_onnx.settings import EncodeSettings, merge_normalize, resolve_settings

DEFAULTS: dict[str, Any] = {
    "normalized_checkpoint": False,
    "normalize": None,
    "batch_tokens": None,
    "batch_size": None,
    "overflow": "truncate",
    "precision": "float32",
}


def resolve(**changes: object) -> EncodeSettings:
    """Resolve the default keywords with changes."""
    return resolve_settings(**(DEFAULTS | changes))


def test_defaults() -> None:
    """Nothing asked for is what sentence-transformers gives, in full precision."""
    assert resolve() == EncodeSettings("sentence_embedding", np.float32, DEFAULT_TOKEN_BUDGET, None, False)


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


def test_raw_vectors_of_a_normalised_checkpoint_are_refused() -> None:
    """The artefact doesn't hold them, so asking is an error, not a unit vector in disguise."""
    with pytest.raises(InputError, match="ends in a Normalize module and the artefact holds unit vectors only"):
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


def test_choices() -> None:
    """The choices of today."""
    settings = resolve(overflow="error", precision="float16")
    assert settings.refuse_overflow
    assert settings.dtype is np.float16


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("overflow", "window"),
        ("precision", "int8"),
        ("precision", "uint8"),
        ("precision", "binary"),
        ("precision", "ubinary"),
    ],
)
def test_what_comes_later_says_so(name: str, value: str) -> None:
    """A feature of a later release is a clear error now, never a wrong answer."""
    with pytest.raises(InputError, match=f"^{name}='{value}' comes with a later release: use '"):
        resolve(**{name: value})


@pytest.mark.parametrize(("name", "choices"), [("overflow", "'truncate' or 'error'"), ("precision", "'float32'")])
def test_an_unknown_choice_is_refused(name: str, choices: str) -> None:
    """The message lists what there is."""
    with pytest.raises(InputError, match=f"^{name} is 'cut', expected {choices}"):
        resolve(**{name: "cut"})


@pytest.mark.parametrize(
    ("normalize", "normalize_embeddings", "merged"),
    [(None, False, None), (True, False, True), (False, False, False), (None, True, True), (True, True, True)],
)
def test_two_names_for_normalising(normalize: bool | None, normalize_embeddings: bool, merged: bool | None) -> None:
    """sentence-transformers' False adds nothing, its True is ours."""
    assert merge_normalize(normalize, normalize_embeddings) is merged


def test_a_contradiction_is_refused() -> None:
    """One says raw, the other says unit: neither wins in silence."""
    with pytest.raises(InputError, match="normalize is False and normalize_embeddings is True"):
        merge_normalize(normalize=False, normalize_embeddings=True)
