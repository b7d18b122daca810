"""What commands print of names, paths and texts that others chose."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from unit.runtime.command import Biolord
from unit.runtime.tiny_artifact import edit_manifest, tiny_manifest, write_manifest

EVIL = "a\x1b]0;title\x07\x1b[2Jb\x9b31m\u202egnp\x7f"
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e]")
ROOT = Path(__file__).parents[4]
COMMANDS = (ROOT / "runtime" / "biolord_onnx" / "cli", ROOT / "export" / "biolord_export" / "cli")


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_manifest_is_shown(biolord: Biolord, tiny_copy: Path, options: list[str]) -> None:
    """Not obeyed; and no line of it passes for one of ours."""
    for path in (
        ("license",),
        ("source", "id"),
        ("created",),
        ("batch_invariance", "reason"),
    ):
        edit_manifest(tiny_copy, *path, value=f"{EVIL}\n  provider               cuda")
    edit_manifest(tiny_copy, "quantization", value={f"{EVIL}\nhere": EVIL, "kinds": [{"kind": EVIL}], "list": [EVIL]})
    outcome = biolord("info", tiny_copy, *options)
    assert outcome.code == 0, outcome.err
    assert not OBEYED.search(outcome.out)
    if options:
        assert json.loads(outcome.out)["manifest"]["created"] == f"{EVIL}\n  provider               cuda"
    else:
        assert [line for line in outcome.out.splitlines() if line.startswith("  provider")] != ["  provider  cuda"]
        assert sum(line.startswith("  provider ") for line in outcome.out.splitlines()) == 1


def test_texts_are_shown(biolord: Biolord, tiny: Path, tmp_path: Path) -> None:
    """A cell with a line break is one line still."""
    (tmp_path / "t.jsonl").write_text(json.dumps({"name": f"cat{EVIL}\ndog"}), encoding="utf-8")
    outcome = biolord("similar", tiny, "cat", "--input", tmp_path / "t.jsonl", "--column", "name")
    assert outcome.code == 0, outcome.err
    assert outcome.out.count("\n") == 1
    assert not OBEYED.search(outcome.out)
    outcome = biolord("similar", tiny, "cat", "--input", tmp_path / "t.jsonl", "--column", "name", "--json")
    assert not OBEYED.search(outcome.out)
    assert json.loads(outcome.out)[0]["text"] == f"cat{EVIL}\ndog"


def test_paths_are_shown(biolord: Biolord, tiny: Path, tmp_path: Path) -> None:
    """In errors, in messages, in what can be typed."""
    odd = tmp_path / f"x{EVIL}"
    for command in (["info", odd], ["embed", tiny, "cat", "--output", f"{odd}.npy"], ["embed", tiny, "--input", odd]):
        outcome = biolord(*command)
        assert not OBEYED.search(outcome.out + outcome.err)
        assert r"\u001b" in outcome.err
    outcome = biolord("pack", tiny, "--wheel", odd, "--name", "mini")
    assert outcome.code == 0
    assert not OBEYED.search(outcome.out)


def test_names_in_a_folder_are_shown(biolord: Biolord, tiny_copy: Path) -> None:
    """An artifact's files may be called anything."""
    (tiny_copy / "a\u202eb").write_text("x", "utf-8")
    write_manifest(tiny_copy, tiny_manifest())
    outcome = biolord("info", tiny_copy)
    assert not OBEYED.search(outcome.out + outcome.err)


def test_a_warning_is_a_line(tmp_path: Path) -> None:
    """As errors are, without a line of source."""
    (tmp_path / "warn.py").write_text(
        "import warnings\nwarnings.warn('odd\\x1b[1m', stacklevel=1)\nSUMMARY = ''\n", "utf-8"
    )
    code = (
        "import sys; sys.argv[1:] = ['warn', '--help']; from biolord_onnx.cli import main; "
        "main.COMMANDS['warn'] = 'warn'; main.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[0] == r"biolord: odd\u001b[1m"


def test_commands_print_through_one_place() -> None:
    """Where what terminals obey is escaped, and what can't be written is an error."""
    paths = [path for folder in COMMANDS for path in folder.glob("*.py") if path.name not in {"output.py", "main.py"}]
    assert len(paths) > 12
    for path in paths:
        assert not re.search(r"\bprint\(|stdout\.write|stderr\.write", path.read_text("utf-8")), path
