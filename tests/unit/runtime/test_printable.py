"""Text that is shown."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from biolord_onnx.printable import escape, escape_text


def test_what_terminals_obey_is_shown() -> None:
    """Colors, titles, another name's letters backward, rows of its own; words of any language stay."""
    assert escape("a\x1b[31mb\r\n\tc\x9bd\u202egnp.exe\x7f\udcff") == (
        r"a\u001b[31mb\u000d\u000a\u0009c\u009bd\u202egnp.exe\u007f\udcff"
    )
    words = "Crohn’s disease, болезнь, 病気, مرض, می‌شود, रोग, 👩‍⚕️, ½"
    assert escape(words) == escape_text(words) == words


@given(st.text())
def test_nothing_else_gets_through(text: str) -> None:
    """Of any text; and once is enough."""
    for shown, allowed in ((escape(text), ""), (escape_text(text), "\t\n")):
        assert not any(ord(one) < 32 or 127 <= ord(one) < 160 for one in shown if one not in allowed)
        assert shown.splitlines() == shown.split("\n")[: len(shown.splitlines())]
        shown.encode()
    assert escape(escape(text)) == escape(text)
    assert escape(escape_text(text)) == escape(text)


@given(st.text())
def test_json_means_the_same(text: str) -> None:
    """What it escapes, it escapes as JSON does."""
    assert json.loads(escape_text(json.dumps([text], ensure_ascii=False, indent=2))) == [text]
