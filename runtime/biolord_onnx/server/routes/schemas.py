"""Bodies of requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StrictInt,
    StrictStr,
    WithJsonSchema,
    model_validator,
)

HARMLESS = frozenset(
    {"cache", "id", "metadata", "model", "options", "priority", "request_id", "safety_identifier", "service_tier",
     "stream", "timeout", "user"}
)  # fmt: skip
"""Members that clients send along and that ask for no other vector."""


def _texts(value: object) -> list[str]:
    """Take a string or a list of strings; of a list with a million other things the first is enough to know."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and all(isinstance(member, str) for member in value):
        return value
    raise ValueError("expected a string or a list of strings")


def _texts_or_ids(value: object) -> list[str] | list[list[int]]:
    """Take texts, or token ids of one or several texts."""
    if isinstance(value, list) and value and not isinstance(value[0], str):
        lists = value if isinstance(value[0], list) else [value]
        if all(isinstance(ids, list) and all(type(one) is int for one in ids) for ids in lists):
            return lists
        raise ValueError("expected a string, a list of strings, or lists of token ids")
    return _texts(value)


def _list_of_texts(value: object) -> list[str]:
    """Take a list of strings."""
    if isinstance(value, list):
        return _texts(value)
    raise ValueError("expected a list of strings")


_STRINGS = [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
_IDS = {"type": "array", "items": {"type": "integer"}}
Texts = Annotated[list[str], PlainValidator(_texts), WithJsonSchema({"anyOf": _STRINGS})]
TextList = Annotated[list[str], PlainValidator(_list_of_texts), WithJsonSchema(_STRINGS[1])]
TextsOrIds = Annotated[
    list[str] | list[list[int]],
    PlainValidator(_texts_or_ids),
    WithJsonSchema({"anyOf": [*_STRINGS, _IDS, {"type": "array", "items": _IDS}]}),
]


class Body(BaseModel):
    """A request's body.

    A member that it doesn't know is refused unless it is known to be harmless: what asks for another answer than the
    one that comes must not be ignored. Null stands for a member that isn't there, as many clients write it.
    """

    model_config = ConfigDict(extra="forbid", strict=True)
    harmless: ClassVar[frozenset[str]] = HARMLESS

    @model_validator(mode="before")
    @classmethod
    def _leave_out(cls, value: Any) -> Any:  # noqa: ANN401 - whatever was sent
        if not isinstance(value, dict):
            return value
        needed = {name for name, field in cls.model_fields.items() if field.is_required()}
        known = cls.harmless - cls.model_fields.keys()
        return {
            name: member
            for name, member in value.items()
            if name not in known and (member is not None or name in needed)
        }


class EmbeddingsRequest(Body):
    """OpenAI's request for vectors."""

    input: TextsOrIds = Field(
        description="A text, texts, or token ids as /tokenize gives them, special tokens included."
    )
    model: StrictStr | None = Field(None, description="Ignored: the server has one model.")
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: StrictInt | None = Field(None, description="How many numbers of a vector are kept, if not all.")
    truncate: bool | None = Field(None, description="Whether texts over the limit are cut rather than refused.")


class EmbedRequest(Body):
    """text-embeddings-inference's request for vectors."""

    inputs: Texts = Field(description="A text or texts.")
    normalize: bool = Field(default=True, description="Whether vectors get length 1.")
    truncate: bool | None = Field(None, description="Whether texts over the limit are cut rather than refused.")
    truncation_direction: Literal["right", "Right"] = "right"
    prompt_name: StrictStr | None = Field(None, description="One of the model's prompts, to put in front of texts.")
    dimensions: StrictInt | None = Field(None, description="How many numbers of a vector are kept, if not all.")


class TokenizeRequest(Body):
    """text-embeddings-inference's request for tokens."""

    inputs: Texts
    add_special_tokens: bool = True
    prompt_name: StrictStr | None = Field(None, description="One of the model's prompts, to put in front of texts.")


def documented(kind: type[Body]) -> dict[str, object]:
    """Describe a route's body for its OpenAPI document."""
    schema = kind.model_json_schema()
    inlined = _inlined(schema, schema.pop("$defs", {}))
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": inlined}}}}


def _inlined(schema: object, parts: Mapping[str, object]) -> object:
    """Put parts where they are referred to: such a reference would be looked for at the root of the document."""
    if isinstance(schema, list):
        return [_inlined(one, parts) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(name := schema.get("$ref"), str):
        return _inlined(parts[name.rpartition("/")[2]], parts)
    return {name: _inlined(one, parts) for name, one in schema.items()}
