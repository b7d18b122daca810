"""The server's page in a real browser."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from biolord_onnx.server.settings import Limits
from real.chromium import Page, chromium
from server.fixtures import Running, Serving
from unit.runtime.command import PATIENCE

pytestmark = pytest.mark.real

PHONE = 390
TYPE = """
document.getElementById("phrases").value = "cat scratch\\ncat bite\\nfever of the heart";
document.getElementById("names").value = "dog bite\\ncat scratch";
"""


def wait_for(page: Page, condition: str) -> None:
    """Wait until a JavaScript condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, page.evaluate("document.body.innerText")
        time.sleep(0.05)


def press_enter(page: Page) -> None:
    """Submit with the keyboard alone: Ctrl+Enter in the first field."""
    page.evaluate('document.getElementById("phrases").focus()')
    for kind in ("keyDown", "keyUp"):
        page.ask("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, modifiers=2)


def test_type_submit_read(tiny_server: Running, tmp_path: Path) -> None:
    """Phrases become a matrix and their nearest names; nobody else is asked, nothing stands in the console."""
    with chromium(tmp_path / "profile") as page:
        page.open(tiny_server.url + "/")
        wait_for(page, 'document.getElementById("about").textContent.includes("tiny-cpu-int8")')
        page.evaluate(TYPE)
        press_enter(page)
        wait_for(page, '!document.getElementById("results").hidden')
        rows = page.evaluate('[...document.querySelectorAll("#matrix tbody tr")].map(row => row.cells[1].textContent)')
        nearest = page.evaluate('document.querySelector("#neighbors td").textContent')
        timing = page.evaluate('document.getElementById("timing").textContent')
        pictures = {
            "light": page.screenshot("light"),
            "dark": page.screenshot("dark"),
            "phone": page.screenshot("light", PHONE),
        }
        wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        assert page.complaints() == []
        assert {url.partition("/embed")[0].partition("/info")[0].rstrip("/") for url in page.requests()} <= {
            tiny_server.url,
            "data:,",
        }
    assert isinstance(rows, list)
    assert (len(rows), rows[0], nearest) == (3, "1.00", "cat scratch 1.00")
    assert str(timing).startswith("5 texts in ")
    assert wide is False
    for name, picture in pictures.items():
        (tmp_path / f"{name}.png").write_bytes(picture)


def test_errors_and_keys(serving: Serving, tmp_path: Path) -> None:
    """A key is asked for where one is needed, and what the server refuses is said."""
    server = serving(keys=("one",), limits=Limits(texts=4))
    with chromium(tmp_path / "profile") as page:
        page.open(server.url + "/")
        wait_for(page, '!document.getElementById("locked").hidden')
        page.evaluate('document.getElementById("key").value = "one"')
        page.evaluate(TYPE)
        press_enter(page)
        wait_for(page, 'document.getElementById("error").textContent.includes("5 texts, the limit is 4")')
