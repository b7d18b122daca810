"""What a run and its worker processes say to each other: a line of JSON, and the bytes of arrays behind it."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from biolord_onnx import errors
from biolord_onnx.encoding.info import EncodeInfo

Answer = EncodeInfo | Exception


def send(stream: IO[bytes], message: object) -> None:
    """Write what JSON can hold."""
    stream.write(json.dumps(message).encode() + b"\n")
    stream.flush()


def receive(stream: IO[bytes]) -> object:
    """Read what `send` wrote.

    Raises:
        EOFError: The other side is gone.
    """
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    return json.loads(line)


def send_answer(stream: IO[bytes], answer: Answer) -> None:
    """Write vectors, or what went wrong."""
    if isinstance(answer, Exception):
        kind = type(answer).__name__ if isinstance(answer, errors.BiolordError) else "BiolordError"
        send(stream, {"kind": kind, "message": str(answer)})
        return
    arrays = [np.ascontiguousarray(getattr(answer, field.name)) for field in fields(answer)]
    send(stream, [[array.dtype.str, array.shape] for array in arrays])
    stream.writelines(array.tobytes() for array in arrays)
    stream.flush()


def receive_answer(stream: IO[bytes]) -> Answer:
    """Read what `send_answer` wrote.

    Raises:
        EOFError: The other side is gone.
    """
    match receive(stream):
        case {"kind": str(kind), "message": message}:
            error: Exception = getattr(errors, kind)(message)
            return error
        case list(described):
            return EncodeInfo(*(_receive_array(stream, dtype, shape) for dtype, shape in described))
        case other:
            raise TypeError(f"a worker answered {other!r}")


def _receive_array(stream: IO[bytes], dtype: str, shape: list[int]) -> NDArray[Any]:
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    content = stream.read(size)
    if len(content) < size:
        raise EOFError
    return np.frombuffer(content, dtype).reshape(shape)
