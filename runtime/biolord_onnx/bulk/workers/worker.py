"""A worker process of a bulk run: takes texts on its standard input and gives vectors on its standard output.

It ends when its input does, in the middle of its work, too, and so with its parent, whatever ended that.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Thread
from typing import Any, BinaryIO, cast

from biolord_onnx.bulk.workers.messages import Answer, receive, send_answer
from biolord_onnx.encode_options import EncodeOptions
from biolord_onnx.encoding.texts import Inputs
from biolord_onnx.errors import BiolordError
from biolord_onnx.loading import LoadOptions


@dataclass(slots=True)
class Duties:
    """What a worker has to do.

    Attributes:
        texts: Lists of them that wait; None behind the last.
        received: How many duties there were, loading the artifact being the first.
        finished: How many of them are done.
    """

    texts: SimpleQueue[Inputs | None] = field(default_factory=SimpleQueue)
    received: int = 1
    finished: int = 0


def main() -> None:
    """Work until there is no more to do."""
    # A terminal sends Ctrl-C to all: the first process alone answers, and ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What a library prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        session, options = cast("list[dict[str, Any]]", receive(sys.stdin.buffer))
        duties = Duties()
        Thread(target=listen, args=(sys.stdin.buffer, duties), daemon=True).start()
        work(LoadOptions(**session), EncodeOptions(**options), duties, answers)
        answers.close()
    except (BrokenPipeError, EOFError):
        os._exit(1)  # the parent is gone, and there is no one to tell


def listen(requests: BinaryIO, duties: Duties) -> None:
    """Take texts while others are worked on: the end of the parent is noticed at once."""
    try:
        while True:
            texts = cast("Inputs", receive(requests))
            duties.received += 1
            duties.texts.put(texts)
    except EOFError:
        # The parent lets a worker go that has nothing to do. One that has was left behind.
        if duties.received > duties.finished:
            os._exit(1)
        duties.texts.put(None)


def work(session: LoadOptions, options: EncodeOptions, duties: Duties, answers: BinaryIO) -> None:
    """Answer every list of texts with vectors, or an error."""
    encode = _encoder(session, options)
    duties.finished += 1
    while (texts := duties.texts.get()) is not None:
        answer = encode(texts)
        duties.finished += 1
        send_answer(answers, answer)


def _encoder(session: LoadOptions, options: EncodeOptions) -> Callable[[Inputs], Answer]:
    try:
        embedder = session.load()
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent raises it where it is seen
        told = _told(error)
        return lambda _: told

    def encode(texts: Inputs) -> Answer:
        try:
            return options.encode(embedder, texts)
        except Exception as error:  # noqa: BLE001 - likewise
            return _told(error)

    return encode


def _told(error: Exception) -> Exception:
    """Keep where a mistake of ours happened: a traceback doesn't travel."""
    if isinstance(error, (BiolordError, OSError)):
        return error
    return BiolordError(f"a worker process failed: {''.join(traceback.format_exception(error))}")
