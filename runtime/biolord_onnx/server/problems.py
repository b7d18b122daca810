"""What can go wrong with a request, once in OpenAI's words and once in text-embeddings-inference's."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """A kind of failure.

    Attributes:
        openai: Status, type and code for clients of OpenAI's interface.
        tei: Status and type for clients of text-embeddings-inference.
    """

    openai: tuple[int, str, str]
    tei: tuple[int, str]


_REQUEST = "invalid_request_error"
MALFORMED = Problem((400, _REQUEST, "invalid_body"), (400, "Validation"))
INVALID = Problem((400, _REQUEST, "invalid_value"), (422, "Validation"))
EMPTY = Problem((400, _REQUEST, "empty_input"), (400, "Empty"))
TOO_LONG = Problem((400, _REQUEST, "context_length_exceeded"), (413, "Validation"))
TOO_MUCH = Problem((413, _REQUEST, "request_too_large"), (413, "Validation"))
UNAUTHORIZED = Problem((401, "authentication_error", "invalid_api_key"), (401, "Unauthorized"))
NOT_FOUND = Problem((404, _REQUEST, "not_found"), (404, "NotFound"))
WRONG_METHOD = Problem((405, _REQUEST, "method_not_allowed"), (405, "MethodNotAllowed"))
NO_MODEL = Problem((404, _REQUEST, "model_not_found"), (404, "NotFound"))
FORBIDDEN = Problem((403, _REQUEST, "forbidden"), (403, "Forbidden"))
COMPRESSED = Problem((415, _REQUEST, "unsupported_encoding"), (415, "Validation"))
SLOW_BODY = Problem((408, _REQUEST, "request_timeout"), (408, "Validation"))
OVERLOADED = Problem((429, "rate_limit_error", "overloaded"), (429, "Overloaded"))
FAILED = Problem((500, "server_error", "inference_failed"), (424, "Backend"))
UNAVAILABLE = Problem((503, "server_error", "unavailable"), (503, "Unhealthy"))


class ApiError(Exception):
    """A request that gets an error instead of an answer."""

    def __init__(self, problem: Problem, message: str, retry_after_s: int | None = None) -> None:
        """Say what is wrong in one line, and when it is worth trying again."""
        super().__init__(message)
        self.problem = problem
        self.message = message
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error as it goes over the wire."""

    status: int
    body: dict[str, object]
    headers: dict[str, str]


def refusal(path: str, error: ApiError) -> Refusal:
    """Put an error into the words of the interface that a path belongs to."""
    headers = {} if error.retry_after_s is None else {"retry-after": str(error.retry_after_s)}
    if error.problem is UNAUTHORIZED:
        headers["www-authenticate"] = "Bearer"
    if error.problem in {TOO_MUCH, SLOW_BODY, COMPRESSED}:
        headers["connection"] = "close"  # what is left of the body isn't read
    if path.startswith("/v1/"):
        status, kind, code = error.problem.openai
        body: dict[str, object] = {"message": error.message, "type": kind, "param": None, "code": code}
        return Refusal(status, {"error": body}, headers)
    status, kind = error.problem.tei
    return Refusal(status, {"error": error.message, "error_type": kind}, headers)
