"""What docs/ says of the code is what the code says of itself."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from documentation import gates, routes
from documentation.regenerate import generated
from unit.runtime.tiny_artifact import write_tiny_artifact

# Releases in which argparse lays help out alike; the pages are written with the one that the check runs on.
SAME_HELP = sys.version_info[:2] in {(3, 11), (3, 12)}


@pytest.mark.skipif(not SAME_HELP, reason="argparse of Python 3.13 lays help out in another way")
def test_generated_pages_are_up_to_date(tmp_path: Path) -> None:
    """The command line, HTTP and the gates."""
    for path, text in generated(write_tiny_artifact(tmp_path / "tiny")):
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run make reference-pages"


def test_a_member_is_described_in_words() -> None:
    """Every kind of schema that the server's bodies have."""
    body = {
        "required": ["inputs"],
        "properties": {
            "inputs": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
            "format": {"enum": ["float", "base64"], "default": "float", "description": "Of numbers."},
            "truncate": {"type": "boolean", "default": False},
        },
    }
    assert list(routes.members(body)) == [
        "| `inputs` | string or list of string | required |  |\n",
        '| `format` | `"float"` or `"base64"` | `"float"` | Of numbers. |\n',
        "| `truncate` | boolean | `false` |  |\n",
    ]


@pytest.mark.parametrize("page", ["", gates.BEGIN, gates.END, gates.END + gates.BEGIN])
def test_a_page_without_markers_is_refused(page: str) -> None:
    """Nothing is written to a place that was not meant."""
    with pytest.raises(ValueError, match="end of gates"):
        gates.rewritten(page)
