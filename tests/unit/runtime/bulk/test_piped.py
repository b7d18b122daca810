"""Copying from pipes."""

from __future__ import annotations

import io
import os
import signal
import threading
import time

from biolord_onnx.bulk.piped import POLL_S, copy_pipe


def test_a_pipe_that_is_silent_for_a_while() -> None:
    """What comes late comes whole."""
    reading, writing = os.pipe()

    def write() -> None:
        for part in (b"cat\n", b"dog\n"):
            time.sleep(2 * POLL_S)
            os.write(writing, part)
        os.close(writing)

    thread = threading.Thread(target=write)
    thread.start()
    copied = io.BytesIO()
    with open(reading, "rb") as source:  # noqa: PTH123 - a descriptor
        copy_pipe(source, copied)
    thread.join()
    assert copied.getvalue() == b"cat\ndog\n"


def test_a_signal_that_another_thread_took() -> None:
    """Its handler runs soon, though nothing interrupts what the main thread waits for."""
    reading, writing = os.pipe()
    before = signal.signal(signal.SIGUSR1, lambda *_: os.close(writing))
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])  # so that it is the other thread that takes it

    def take() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
        time.sleep(POLL_S)
        signal.raise_signal(signal.SIGUSR1)

    try:
        thread = threading.Thread(target=take)
        thread.start()
        with open(reading, "rb") as source:  # noqa: PTH123 - a descriptor
            copy_pipe(source, io.BytesIO())
        thread.join()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
        signal.signal(signal.SIGUSR1, before)
