"""Bodies of requests, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, StrictInt, StrictStr, ValidationError, WithJsonSchema
from starlette.requests import Request

from biolord_onnx.server.problems import INVALID, MALFORMED, ApiError


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


_STRINGS = [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
_IDS = {"type": "array", "items": {"type": "integer"}}
Texts = Annotated[list[str], PlainValidator(_texts), WithJsonSchema({"anyOf": _STRINGS})]
TextsOrIds = Annotated[
    list[str] | list[list[int]],
    PlainValidator(_texts_or_ids),
    WithJsonSchema({"anyOf": [*_STRINGS, _IDS, {"type": "array", "items": _IDS}]}),
]


class Body(BaseModel):
    """A request's body; members that it doesn't know are ignored, for clients send many."""

    model_config = ConfigDict(extra="ignore", strict=True)


class EmbeddingsRequest(Body):
    """OpenAI's request for vectors."""

    input: TextsOrIds = Field(
        description="A text, texts, or token ids as /tokenize gives them, special tokens included."
    )
    model: StrictStr | None = Field(None, description="Ignored: the server has one model.")
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: StrictInt | None = Field(None, description="The vectors' own length, if given.")
    truncate: bool | None = Field(None, description="Whether texts over the limit are cut rather than refused.")


class EmbedRequest(Body):
    """text-embeddings-inference's request for vectors."""

    inputs: Texts = Field(description="A text or texts.")
    normalize: bool = Field(default=True, description="Whether vectors get length 1.")
    truncate: bool | None = Field(None, description="Whether texts over the limit are cut rather than refused.")
    truncation_direction: Literal["right", "Right"] = "right"
    prompt_name: None = Field(None, description="No model of this server has prompts.")


class TokenizeRequest(Body):
    """text-embeddings-inference's request for tokens."""

    inputs: Texts
    add_special_tokens: bool = True


AnyBody = TypeVar("AnyBody", bound=Body)


async def read_body(request: Request, kind: type[AnyBody]) -> AnyBody:
    """Read a request's body.

    Raises:
        ApiError: it isn't JSON, or not what the route takes.
    """
    data = await request.body()
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ApiError(MALFORMED, f"the body is not JSON in UTF-8: {error}") from error
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise ApiError(INVALID, _describe(error)) from error


def _describe(error: ValidationError) -> str:
    """Name the member that is wrong, without a word of what stood there: it may be somebody's diagnosis."""
    detail = error.errors(include_input=False, include_context=False, include_url=False)[0]
    place = ".".join(map(str, detail["loc"])) or "the body"
    return f"{place}: {detail['msg'].removeprefix('Value error, ')}"


def documented(kind: type[Body]) -> dict[str, object]:
    """Describe a route's body for its OpenAPI document."""
    schema: Mapping[str, object] = kind.model_json_schema()
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
