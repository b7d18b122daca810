"""Writes docs/reference/http.md from the server's OpenAPI document and its table of errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from biolord_onnx.server import problems
from biolord_onnx.server.problems import Problem

Schema = dict[str, Any]

HEAD = """\
# HTTP

<!-- written by make reference-pages from the server's OpenAPI document -->

`biolord serve` has these routes; its own `/docs` shows them too, and `/openapi.json` is the document that this page is
written from. Bodies and answers are JSON. A member that a body doesn't know is refused unless it is known to be
harmless; `null` counts as absent. [Serve](../guides/serve.md) tells about keys, limits and truncation.
"""
ERRORS = """\
## Errors

Below `/v1/` the body is OpenAI's, `{"error": {"message", "type", "param", "code"}}`; elsewhere it is
text-embeddings-inference's, `{"error", "error_type"}`. 429 comes with `Retry-After`.

| problem | status below `/v1/` | `type` | `code` | status elsewhere | `error_type` |
| --- | --- | --- | --- | --- | --- |
"""


def page(app: FastAPI) -> str:
    """Return the page of an application."""
    routes = (
        section(path, method, operation)
        for path, methods in app.openapi()["paths"].items()
        for method, operation in methods.items()
    )
    return "\n".join([HEAD, *routes, ERRORS + "".join(errors())])


def section(path: str, method: str, operation: Schema) -> str:
    """Return the section of a route."""
    said = f"## {method.upper()} {path}\n\n*{', '.join(operation['tags'])}.* {operation['description']}\n"
    if "requestBody" not in operation:
        return said
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    return f"{said}\n| member | type | default | meaning |\n| --- | --- | --- | --- |\n" + "".join(members(body))


def members(body: Schema, inside: str = "") -> Iterator[str]:
    """Yield a row for each member of a body, those of objects in it behind the object's name."""
    required = body.get("required", [])
    for name, schema in body["properties"].items():
        if "properties" in schema:
            yield from members(schema, f"{inside}{name}.")
            continue
        default = "required" if name in required else f"`{as_json(schema.get('default'))}`"
        yield f"| `{inside}{name}` | {kind(schema)} | {default} | {schema.get('description', '')} |\n"


def kind(schema: Schema) -> str:
    """Say what a value may be."""
    if "anyOf" in schema:
        return " or ".join(kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f'`"{one}"`' for one in schema["enum"])
    if schema["type"] == "array":
        return f"list of {kind(schema['items'])}"
    return str(schema["type"])


def as_json(value: object) -> str:
    """Return a default as it stands in a body."""
    return json.dumps(value)


def errors() -> Iterator[str]:
    """Yield a row for each problem."""
    for name, problem in vars(problems).items():
        if isinstance(problem, Problem):
            status, type_, code = problem.openai
            said = name.lower().replace("_", " ")
            yield f"| {said} | {status} | `{type_}` | `{code}` | {problem.tei[0]} | `{problem.tei[1]}` |\n"
