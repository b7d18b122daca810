"""Destinations that can't be written to, full disks and interruptions: an artifact is there whole or not at all."""

from __future__ import annotations

import contextlib
import resource
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from biolord_onnx.artifact.folder import open_artifact
from tiny.checkpoint import write_checkpoint
from tiny.weights import Sizes
from unit.export.places import Place, assert_failed, run, start
from unit.runtime.command import COMMAND, Outcome

pytestmark = pytest.mark.slow

FLOAT32 = ("--target", "cpu-fp32")
ROOM = 1_000_000
"""Bytes that a file may have on the "full" disk."""
SECONDS = 120
"""Longer than any export of a tiny checkpoint takes, even on a busy machine."""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Give an empty folder to export into."""
    (tmp_path / "place").mkdir()
    return Place(tmp_path / "place")


def test_a_missing_parent(place: Place, tiny_mpnet: Path) -> None:
    """A typo in the path isn't made into folders."""
    outcome = run("export", tiny_mpnet, place.folder / "nowhere" / "artifact", *FLOAT32)
    assert_failed(outcome, f"{place.folder / 'nowhere'} is not a folder: make it first")
    assert place.left == []


@pytest.mark.parametrize(
    ("make", "refusal"),
    [
        pytest.param(lambda out: out.write_text("words"), "is not a folder", id="file"),
        pytest.param(lambda out: out.symlink_to(out.parent), "is not a folder", id="link to a folder"),
        pytest.param(lambda out: out.symlink_to("nowhere"), "is not a folder", id="dangling link"),
        pytest.param(lambda out: shutil.copytree(Path(__file__).parent, out), "is not an artifact", id="folder"),
    ],
)
def test_something_else_at_the_destination(
    place: Place, tiny_mpnet: Path, make: Callable[[Path], object], refusal: str
) -> None:
    """Refused without --force as there already, and with it as no artifact; it stays as it is."""
    make(place.out)
    before = place.out.lstat().st_ino, place.out.lstat().st_mtime_ns
    place.assert_refused(tiny_mpnet, *FLOAT32, message=f"{place.out} exists already: give another name, or --force")
    place.assert_refused(tiny_mpnet, *FLOAT32, "--force", message=f"{place.out} {refusal}")
    assert (place.out.lstat().st_ino, place.out.lstat().st_mtime_ns) == before


def test_a_destination_inside_a_file(place: Place, tiny_mpnet: Path) -> None:
    """Its parent is no folder."""
    place.out.write_text("words")
    assert_failed(run("export", tiny_mpnet, place.out / "inner", *FLOAT32), "is not a folder: make it first")


@pytest.mark.parametrize("name", ["x" * 250, "x" * 300])
def test_a_name_that_is_too_long(place: Place, tiny_mpnet: Path, name: str) -> None:
    """The operating system's reason is given."""
    assert_failed(run("export", tiny_mpnet, place.folder / name, *FLOAT32), "File name too long")
    assert place.left == []


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs /proc, where not even root can make a folder")
def test_a_folder_that_nobody_can_write_to(tiny_mpnet: Path) -> None:
    """Noticed before the weights are read: a real export takes minutes until it writes."""
    outcome = run("export", tiny_mpnet, "/proc/self/artifact", *FLOAT32)
    assert_failed(outcome, "/proc/self/")
    assert "reading weights" not in outcome.err


def limit_files() -> None:
    """Let writes behind the limit fail as they do on a full disk, in the child process."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, ROOM))


@pytest.mark.parametrize("forced", [False, True])
def test_a_disk_that_is_full(place: Place, tmp_path: Path, tiny_mpnet: Path, forced: bool) -> None:
    """One line, nothing half-written; an artifact that was there stays."""
    model = write_checkpoint(tmp_path / "big", sizes=Sizes(hidden=128, inner=1024))
    if forced:
        assert place.export(tiny_mpnet, *FLOAT32).code == 0
    command = [*COMMAND, "export", str(model), str(place.out), *FLOAT32, *(["--force"] if forced else [])]
    result = subprocess.run(command, preexec_fn=limit_files, capture_output=True, text=True, check=False)
    assert_failed(Outcome(result.returncode, result.stdout, result.stderr), "File too large")
    assert place.left == (["artifact"] if forced else [])
    if forced:
        assert open_artifact(place.out).manifest.name == "tiny-mpnet-cpu-fp32"


def stopped_at(step: str, number: signal.Signals, *arguments: object) -> subprocess.Popen[str]:
    """Start an export, send it a signal once it says that a step begins, and wait for its end."""
    process = start("export", *arguments)
    assert process.stderr is not None
    with process.stderr:
        for line in process.stderr:
            if line.startswith(step):
                process.send_signal(number)
                break
        rest = process.stderr.read()
    process.wait(timeout=SECONDS)
    assert "Traceback" not in rest
    return process


@pytest.mark.parametrize(
    ("step", "target", "number"),
    [
        ("reading", "cpu-int8", signal.SIGINT),
        ("calibrating", "cpu-int8", signal.SIGINT),
        ("calibrating", "cpu-int8", signal.SIGTERM),
        ("writing", "cpu-int8", signal.SIGINT),
        ("verifying", "cpu-int8", signal.SIGINT),
        ("verifying", "cpu-int8", signal.SIGHUP),
    ],
)
def test_a_signal_leaves_nothing(
    place: Place, tiny_mpnet: Path, step: str, target: str, number: signal.Signals
) -> None:
    """At whatever step: no artifact, no draft, no traceback, and the shell's exit code for it."""
    process = stopped_at(step, number, tiny_mpnet, place.out, "--target", target)
    assert process.returncode == 128 + number
    assert place.left == []


def test_ctrl_c_leaves_the_old_artifact(place: Place, tiny_mpnet: Path) -> None:
    """--force replaces it at the very end only."""
    assert place.export(tiny_mpnet, *FLOAT32).code == 0
    before = open_artifact(place.out)
    arguments = (tiny_mpnet, place.out, "--target", "cpu-int8", "--force")
    assert stopped_at("verifying", signal.SIGINT, *arguments).returncode == 130
    assert open_artifact(place.out) == before
    assert place.left == ["artifact"]


def files_in(folder: Path, pattern: str) -> list[Path]:
    """Find files while a process makes and removes folders: its first draft is a try of whether it may make any."""
    with contextlib.suppress(FileNotFoundError):
        return list(folder.glob(pattern))
    return []


@pytest.mark.parametrize("what", ["calibration", "draft"])
def test_a_killed_export_leaves_what_the_next_one_clears(
    place: Place, tiny_mpnet: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, what: str
) -> None:
    """It can't be taken for an artifact, and neither drafts nor what calibration needed stay for good."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    pattern = {"calibration": "temporary/biolord-calibration-*/*", "draft": "place/.artifact-*/*"}[what]
    target = {"calibration": ("--target", "cpu-int8"), "draft": FLOAT32}[what]
    process = start("export", tiny_mpnet, place.out, *target)
    assert process.stderr is not None
    with process.stderr:
        while process.poll() is None and not files_in(tmp_path, pattern):
            time.sleep(0.001)
        process.kill()
    assert process.wait(timeout=SECONDS) == -signal.SIGKILL
    assert files_in(tmp_path, pattern)
    assert all(name.startswith(".") for name in place.left)
    assert place.export(tiny_mpnet, *target).code == 0
    assert place.left == ["artifact"]
    assert list(temporary.glob("biolord-*")) == []


def test_two_exports_to_one_destination(place: Place, tiny_mpnet: Path) -> None:
    """One of them wins, whole; the other says that the destination isn't free any more."""
    processes = [start("export", tiny_mpnet, place.out, *FLOAT32) for _ in range(2)]
    ends = [(process.communicate(timeout=SECONDS)[1], process.returncode) for process in processes]
    assert 0 in [code for _, code in ends]
    for said, code in ends:
        assert code in {0, 2}
        assert "Traceback" not in said
    assert open_artifact(place.out).manifest.name == "tiny-mpnet-cpu-fp32"
    assert place.left == ["artifact"]


def test_a_destination_that_appears_meanwhile(place: Place, tiny_mpnet: Path) -> None:
    """What somebody else puts there during an export without --force isn't overwritten."""
    process = start("export", tiny_mpnet, place.out, "--target", "cpu-int8")
    assert process.stderr is not None
    said = []
    with process.stderr:
        for line in process.stderr:
            said.append(line)
            if line.startswith("verifying"):
                place.out.mkdir()
                (place.out / "thesis.tex").write_text("words")
    assert process.wait(timeout=SECONDS) == 2
    assert said[-1].startswith("biolord: ")
    assert [path.name for path in place.out.iterdir()] == ["thesis.tex"]
    assert place.left == ["artifact"]
