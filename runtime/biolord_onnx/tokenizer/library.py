"""The tokenizers library, kept from files that it fails on, and its failures told in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from biolord_onnx.artifact.json_fields import describe
from biolord_onnx.errors import ArtifactError
from biolord_onnx.tokenizer.check import check_tokenizer

if TYPE_CHECKING:
    import tokenizers

LONGEST_REASON = 200
"""Characters: some of the library's messages repeat a token, whatever its length."""
_PANIC = "PanicException"


@dataclass(frozen=True, slots=True)
class LoadedTokenizer:
    """The library's tokenizer.

    Attributes:
        library: The object.
        highest_id: No token has a higher one.
    """

    library: tokenizers.Tokenizer
    highest_id: int


def load_library(text: str, source: Path | str) -> LoadedTokenizer:
    """Make the library's tokenizer of the text of a ``tokenizer.json``.

    Args:
        text: The JSON document.
        source: Where it came from, for messages.

    Raises:
        ArtifactError: The text isn't one, or holds what an artifact's may not.
    """
    import tokenizers  # by a thread of its own, see `Embedder.load`

    problem = f"{source} is not a tokenizer that this tokenizers {tokenizers.__version__} reads"
    try:
        facts = check_tokenizer(text)
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{problem}: {error}") from error
    with told(problem):
        library = tokenizers.Tokenizer.from_str(text)
        for token in facts.added:
            # Of nothing there is one before every byte, and the library cuts characters in two.
            if token.normalized and library.normalizer and not library.normalizer.normalize_str(token.content):
                raise ArtifactError(f"{problem}: its token {token.content!r} is nothing once it is normalized")
        # The library gives an added token an id of its own choice, whatever the file says.
        ids = [library.token_to_id(token.content) for token in facts.added]
    return LoadedTokenizer(library, max(facts.ids - 1, 0, *(number for number in ids if number is not None)))


@contextmanager
def told(problem: str) -> Iterator[None]:
    """Turn the library's failures into errors that begin with ``problem``.

    Raises:
        ArtifactError: It failed. It raises the bare class Exception, or panics with what is none.
    """
    try:
        yield
    except ArtifactError:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != _PANIC:
            raise
        reason = " ".join(str(error).split())
        raise ArtifactError(f"{problem}: {describe(reason) if len(reason) > LONGEST_REASON else reason}") from error
