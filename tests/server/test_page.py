"""The server's page in a real browser."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from biolord_onnx.embedder import Embedder
from biolord_onnx.index.index import Index
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

KEYS = {"ArrowDown": 40, "ArrowUp": 38, "Enter": 13, "Escape": 27}
FOCUSED = "(document.activeElement.id || document.activeElement.textContent)"
NAMES = '[...document.querySelectorAll("#hits tbody tr")].map((row) => row.cells[2].textContent)'
SEARCH = """
document.getElementById("query").value = "{query}";
document.getElementById("column").value = "{column}";
document.getElementById("value").value = "{value}";
document.getElementById("find").requestSubmit();
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


def press(page: Page, key: str) -> None:
    """Press a key where the focus is."""
    written = {"text": "\r"} if key == "Enter" else {}  # without it a button isn't pressed
    for kind, more in (("keyDown", written), ("keyUp", {})):
        page.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=KEYS[key], **more)


def test_search_as_one_types(whole_server: Running, embedder: Embedder, tiny_index: Path, tmp_path: Path) -> None:
    """Hits come with a pause; arrows lead through them and back; Enter copies a code, as a button says."""
    with chromium(tmp_path / "profile") as page:
        page.open(whole_server.url + "/")
        wait_for(page, f'{FOCUSED} === "query"')
        page.ask("Input.insertText", text="fever")
        page.ask("Input.insertText", text=" of the heart")
        wait_for(page, f'{NAMES}[0] === "Fever of the heartexact"')
        names = page.evaluate(NAMES)
        searched = sum(url.endswith("/search") for url in page.requests())
        for key, focused in (("ArrowDown", "C3"), ("ArrowUp", "query"), ("ArrowDown", "C3"), ("ArrowDown", None)):
            press(page, key)
            assert focused in {None, page.evaluate(FOCUSED)}
        press(page, "Escape")
        press(page, "ArrowDown")
        page.ask("Browser.grantPermissions", permissions=["clipboardReadWrite"])
        press(page, "Enter")
        wait_for(page, 'document.getElementById("told").textContent === "Copied C3"')
        page.evaluate("void navigator.clipboard.readText().then((text) => { window.copied = text; })")
        wait_for(page, 'window.copied === "C3"')
        label = page.evaluate('document.querySelector("#hits button").getAttribute("aria-label")')
        picture = {width: page.screenshot("light", width) for width in (PHONE, 1440)}
        wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        assert page.complaints() == []
    hits = Index.open(tiny_index, embedder=embedder).search(["fever of the heart"])[0]
    assert names == [hit.name + "exact" * hit.exact for hit in hits]
    assert (searched, label, wide) == (1, "Copy C3", False)
    for width, data in picture.items():
        (tmp_path / f"search-{width}.png").write_bytes(data)


def test_filters_and_what_is_not_found(whole_server: Running, tmp_path: Path) -> None:
    """A column and a value narrow the hits; the page says that there are none, and what the server refuses."""
    told = 'document.getElementById("told").textContent'
    with chromium(tmp_path / "profile") as page:
        page.open(whole_server.url + "/")
        wait_for(page, '!document.getElementById("finder").hidden')
        page.evaluate(SEARCH.format(query="cat", column="kind", value="sign"))
        wait_for(page, f'{told}.startsWith("3 hits in ")')
        page.evaluate(SEARCH.format(query="cat", column="kind", value="nothing"))
        wait_for(page, f'{told}.startsWith("No hits in ")')
        page.evaluate(SEARCH.format(query="cat", column="", value=""))
        wait_for(page, f"{NAMES}.length === 9")
        assert page.evaluate('document.querySelector("#hits b")') is None  # a name is text, never markup
        page.evaluate(SEARCH.format(query="C3", column="", value=""))
        wait_for(page, f"{NAMES}.length === 12")
        assert page.evaluate(f"{NAMES}.slice(0, 3)") == [
            f"{name}exact" for name in ("fever", "high temperature", "Fever of the heart")
        ]
        page.evaluate(SEARCH.format(query="", column="", value=""))
        wait_for(page, f"{NAMES}.length === 0")
        assert page.complaints() == []
