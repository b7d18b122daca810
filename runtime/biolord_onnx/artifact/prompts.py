"""The prompts of a checkpoint: texts that it wants in front of those that are encoded, by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from biolord_onnx.errors import ArtifactError, InputError

if TYPE_CHECKING:
    from biolord_onnx.artifact.json_fields import Fields

LONGEST_PROMPT = 4096
"""Characters: instructions have some hundred."""
MOST_PROMPTS = 1024
QUERY = "query"
DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Prompts:
    """What sentence-transformers' ``config_sentence_transformers.json`` says of prompts.

    Attributes:
        texts: By name.
        default: Name of the one that is used where nobody asks for another; None for none.
        pooled: Whether the tokens of a prompt are pooled with those of the text.
    """

    texts: dict[str, str] = field(default_factory=dict)
    default: str | None = None
    pooled: bool = True

    @classmethod
    def from_fields(cls, fields: Fields) -> Prompts:
        """Read the members of a manifest.

        Raises:
            ArtifactError: A value is of a wrong type or range, or the default is no prompt's name.
        """
        texts = fields.text_mapping("texts", longest=LONGEST_PROMPT)
        default = fields.optional_text("default", longest=LONGEST_PROMPT)
        if len(texts) > MOST_PROMPTS:
            raise ArtifactError(
                f"{fields.source}: texts has {len(texts)}, expected {MOST_PROMPTS} at most: export the artifact again"
            )
        if default is not None and default not in texts:
            raise fields.error("default", default, "the name of one of its texts, or null")
        return cls(texts, default, fields.boolean("pooled"))

    def choose(self, prompt: str | None = None, name: str | None = None) -> str:
        """Return the text to put in front: the one given, or named, or else the default; an empty one for none.

        Raises:
            InputError: There is no prompt of that name, or both are given.
        """
        if prompt is not None and name is not None:
            raise InputError(f"prompt is {prompt!r} and prompt_name {name!r}: give one of them")
        if prompt is not None:
            return prompt
        chosen = self.default if name is None else name
        if chosen is None:
            return ""
        if chosen not in self.texts:
            known = ", ".join(map(repr, self.texts)) or "none"
            raise InputError(f"prompt_name is {chosen!r}, the artifact has the prompts: {known}")
        return self.texts[chosen]

    def named(self, name: str) -> str | None:
        """Return a name that `choose` takes: this one if there is such a prompt, else None, for the default."""
        return name if name in self.texts else None
