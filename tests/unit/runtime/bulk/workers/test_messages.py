"""What a run and its workers say to each other."""

from __future__ import annotations

import io

import numpy as np
import pytest

from biolord_onnx.bulk.workers.messages import receive, receive_answer, send, send_answer
from biolord_onnx.encoding.info import EncodeInfo
from biolord_onnx.errors import BiolordError, InputError

INFO = EncodeInfo(np.ones((2, 3), np.float16), np.array([4, 5], np.int32), np.array([True, False]))


def sent(answer: EncodeInfo | Exception) -> bytes:
    """Write an answer."""
    stream = io.BytesIO()
    send_answer(stream, answer)
    return stream.getvalue()


@pytest.mark.parametrize("texts", [[], ["cat", "", "a\nb\0", "fièvre 神"]])
def test_texts_travel(texts: list[str]) -> None:
    """Whatever they hold, on a line of their own."""
    stream = io.BytesIO()
    send(stream, texts)
    assert receive(io.BytesIO(stream.getvalue())) == texts


def test_vectors_travel() -> None:
    """With their types and shapes, none of them too."""
    for info in (INFO, EncodeInfo(np.empty((0, 3), np.float32), np.empty(0, np.int32), np.empty(0, np.bool_))):
        found = receive_answer(io.BytesIO(sent(info)))
        assert isinstance(found, EncodeInfo)
        for name in ("vectors", "token_counts", "truncated"):
            one, other = getattr(found, name), getattr(info, name)
            assert (one.dtype, one.shape) == (other.dtype, other.shape)
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("error", "kind"),
    [(InputError("no"), InputError), (OSError("no"), BiolordError), (BiolordError("no"), BiolordError)],
)
def test_errors_travel(error: Exception, kind: type) -> None:
    """As what they are, if they are ours."""
    found = receive_answer(io.BytesIO(sent(error)))
    assert (type(found), str(found)) == (kind, "no")


def test_an_end_at_any_byte_is_noticed() -> None:
    """The other side was killed."""
    whole = sent(INFO)
    for size in range(len(whole)):
        with pytest.raises(EOFError):
            receive_answer(io.BytesIO(whole[:size]))


def test_an_answer_of_another_kind() -> None:
    """A mistake of ours."""
    with pytest.raises(TypeError, match="a worker answered 'x'"):
        receive_answer(io.BytesIO(b'"x"\n'))
