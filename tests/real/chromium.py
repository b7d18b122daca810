"""A page in headless Chromium, over its debugging pipe (https://chromedevtools.github.io/devtools-protocol/)."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal

from guards.missing import missing

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
WIDTH = 1440
# Messages of the page that mean that something is wrong with it.
COMPLAINTS = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
Message = dict[str, Any]


@dataclass
class Page:
    """A page, and what happened while it was open.

    Attributes:
        commands: where Chromium reads.
        messages: where it writes.
        session: of the page.
        events: all that came, answers aside.
    """

    commands: BinaryIO
    messages: BinaryIO
    session: str = ""
    events: list[Message] = field(default_factory=list)
    _sent: int = 0

    def ask(self, method: str, **parameters: object) -> Message:
        """Send a command and wait for its answer; events on the way are kept."""
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.commands.write(json.dumps(message).encode() + b"\0")
        self.commands.flush()
        while (answer := self._read()).get("id") != self._sent:
            self.events.append(answer)
        assert "error" not in answer, answer
        result: Message = answer["result"]
        return result

    def open(self, place: Path | str) -> None:
        """Open a file or an address in a new tab and wait until it is loaded."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.ask(f"{domain}.enable")
        self.events.clear()
        self.ask("Page.navigate", url=place if isinstance(place, str) else place.as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self._read())

    def screenshot(self, scheme: Literal["light", "dark"], width: int = WIDTH) -> bytes:
        """Take a picture of the whole page, as PNG, for a person who prefers light or dark."""
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        picture = self.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        return base64.b64decode(picture)

    def evaluate(self, expression: str) -> object:
        """Return the value of a JavaScript expression in the page, once it has one."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        return answer["result"].get("value")

    def requests(self) -> list[str]:
        """List the addresses that were asked for."""
        sent = [event for event in self.events if event["method"] == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]

    def complaints(self) -> list[Message]:
        """List exceptions, and what stands in the console."""
        return [event for event in self.events if event["method"] in COMPLAINTS]

    def _read(self) -> Message:
        data = bytearray()
        while (byte := self.messages.read(1)) != b"\0":
            assert byte, "Chromium ended"
            data += byte
        message: Message = json.loads(data)
        return message


@contextmanager
def chromium(profile: Path, *graphics: str) -> Iterator[Page]:
    """Start Chromium.

    Args:
        profile: A folder of its own.
        graphics: Options that give it a graphics card, which it has none of otherwise.
    """
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        missing("chromium is not installed: apt-get install chromium")
    read_commands, write_commands = os.pipe()
    read_messages, write_messages = os.pipe()
    # It reads from 3 and writes to 4.
    shell = f'exec "$0" "$@" 3<&{read_commands} 4>&{write_messages}'
    graphics = graphics or ("--disable-gpu",)
    options = ("--headless", "--no-sandbox", *graphics, "--remote-debugging-pipe", f"--user-data-dir={profile}")
    with (
        os.fdopen(write_commands, "wb") as commands,
        os.fdopen(read_messages, "rb") as messages,
        subprocess.Popen(
            ["bash", "-c", shell, program, *options, "about:blank"],
            pass_fds=(read_commands, write_messages),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process,
    ):
        os.close(read_commands)
        os.close(write_messages)
        try:
            yield Page(commands, messages)
        finally:
            process.terminate()
