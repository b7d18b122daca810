"""How a tokenizer puts special tokens and types around a pair of texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from biolord_export.checkpoint.settings.json_files import read_json_if_there
from biolord_export.checkpoint.tokenizer.added import SETTINGS_FILE
from biolord_export.checkpoint.tokenizer.settings import tokenizer_class
from biolord_export.errors import CheckpointError
from biolord_onnx.errors import ArtifactError
from biolord_onnx.tokenizer.library import load_library, told

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PROBE = "a"
TYPES_INPUT = "token_type_ids"
WITHOUT_TYPES = frozenset({"DistilBertTokenizer", "MPNetTokenizer", "RobertaTokenizer", "XLMRobertaTokenizer"})
"""Classes that give a model no token types where no file says that they do."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Special ids before, between and behind two texts; ``typed`` if the second one's tokens have the type 1."""

    prefix: tuple[int, ...]
    middle: tuple[int, ...]
    suffix: tuple[int, ...]
    typed: bool


def find_frame(tokenizer_json: str, folder: Path) -> Frame:
    """Tokenize a pair and look at what came of it.

    Raises:
        CheckpointError: There are no special tokens between the two, or types that the runtime doesn't give.
    """
    try:
        library = load_library(tokenizer_json, folder).library
        with told(f"{folder} can't cut a pair into tokens"):
            pair = library.encode(PROBE, PROBE)
    except ArtifactError as error:
        raise CheckpointError(f"{error}: download the checkpoint again") from error
    first, second = (_places(pair.sequence_ids, number) for number in (0, 1))
    prefix, middle, suffix = (
        tuple(pair.ids[part])
        for part in (slice(first.start), slice(first.stop, second.start), slice(second.stop, None))
    )
    if first.stop > second.start or not middle:
        raise CheckpointError(
            f"{folder}: the tokenizer puts no special token between two texts, a cross-encoder needs one"
        )
    types = [0] * second.start + [1] * (len(pair.ids) - second.start)
    if pair.type_ids not in (types, [0] * len(pair.ids)):
        raise CheckpointError(
            f"{folder}: the tokenizer gives the tokens of a pair the types {pair.type_ids}, expected {types}, "
            "or 0 for all"
        )
    return Frame(prefix, middle, suffix, pair.type_ids == types)


def names_token_types(folder: Path, model_type: str) -> bool:
    """Tell whether transformers' tokenizer hands token types to the model."""
    settings = read_json_if_there(folder / SETTINGS_FILE)
    stated = settings.get("model_input_names")
    if isinstance(stated, list):
        return TYPES_INPUT in stated
    return tokenizer_class(settings, folder, model_type) not in WITHOUT_TYPES


def _places(owners: Sequence[int | None], number: int) -> slice:
    """Return where the tokens of one text stand."""
    places = [place for place, owner in enumerate(owners) if owner == number]
    return slice(places[0], places[-1] + 1) if places else slice(0, 0)
