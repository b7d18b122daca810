"""Importing onnxruntime: its telemetry, its release, and what is wrong with it."""

from __future__ import annotations

import os
import sys
import tomllib
import warnings
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from biolord_onnx.errors import ArtifactError, MissingDependencyError
from biolord_onnx.session import engine
from biolord_onnx.session.engine import (
    TELEMETRY_VARIABLE,
    check_release,
    cpus_at_import,
    import_onnxruntime,
    load_nvidia_libraries,
)
from guards.readme import REPOSITORY


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """Forget that a warning was given, before and after."""
    engine._warn_of_telemetry.cache_clear()
    yield
    engine._warn_of_telemetry.cache_clear()


def fake_onnxruntime(folder: Path, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a module of this code stand for onnxruntime."""
    (folder / "onnxruntime.py").write_text(code, "utf-8")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "onnxruntime")


def test_a_broken_onnxruntime_is_not_called_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installing it would help nobody: the message says what is wrong with it."""
    fake_onnxruntime(tmp_path, "raise ImportError('libcudart.so.13: cannot open shared object file')", monkeypatch)
    with pytest.raises(MissingDependencyError, match=r"installed, but can't be imported \(libcudart\.so\.13: "):
        import_onnxruntime()


def test_a_module_that_onnxruntime_misses_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of it that is gone is not the whole of it."""
    fake_onnxruntime(tmp_path, "import flatbuffers_that_is_gone", monkeypatch)
    with pytest.raises(MissingDependencyError, match=r"imported \(No module named 'flatbuffers_that_is_gone'\)"):
        import_onnxruntime()


def test_ctrl_c_while_onnxruntime_is_imported_is_ctrl_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its library makes an ImportError of it, with the interruption for a cause."""
    fake_onnxruntime(tmp_path, "raise ImportError('initialization failed') from KeyboardInterrupt()", monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        import_onnxruntime()


def test_what_is_said_of_nvidias_libraries_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """Onnxruntime prints it among the vectors."""
    load_nvidia_libraries(SimpleNamespace(preload_dlls=lambda: sys.stdout.write("no libcudnn.so.9\n")))  # type: ignore[arg-type]
    assert capsys.readouterr() == ("", "no libcudnn.so.9\n")


TELLS = f"import os\n__version__ = '1.32.0'\nseen = os.environ.get('{TELEMETRY_VARIABLE}')"


@pytest.mark.parametrize(("before", "seen"), [(None, "1"), ("", "1"), ("1", "1"), ("true", "true"), ("0", "0")])
def test_telemetry_is_off_unless_the_user_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str | None, seen: str
) -> None:
    """The variable is there while onnxruntime is imported, and after it, for processes started later."""
    monkeypatch.setenv(TELEMETRY_VARIABLE, before or "")
    if before is None:
        monkeypatch.delenv(TELEMETRY_VARIABLE)
    fake_onnxruntime(tmp_path, TELLS, monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert import_onnxruntime().seen == seen
        assert import_onnxruntime().seen == seen
    assert os.environ[TELEMETRY_VARIABLE] == seen


def test_an_onnxruntime_that_was_there_before_is_warned_of_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has read the variable already: only the user can fix that."""
    monkeypatch.setenv(TELEMETRY_VARIABLE, "")
    fake_onnxruntime(tmp_path, TELLS, monkeypatch)
    __import__("onnxruntime")
    with pytest.warns(UserWarning, match=r"^onnxruntime 1\.32\.0 was imported before .+ Set ORT_DISABLE_TELEMETRY=1"):
        import_onnxruntime()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        import_onnxruntime()
    assert os.environ[TELEMETRY_VARIABLE] == "1"


@pytest.mark.parametrize(("version", "variable"), [("1.28.0", ""), ("1.32.0", "1"), ("1.32.0", "0")])
def test_nobody_is_warned_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, variable: str
) -> None:
    """Older releases have no telemetry there, and a variable that is set is the user's word."""
    monkeypatch.setenv(TELEMETRY_VARIABLE, variable)
    fake_onnxruntime(tmp_path, f"__version__ = '{version}'", monkeypatch)
    __import__("onnxruntime")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        import_onnxruntime()


def test_cpus_are_counted_when_it_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the process is kept to afterward doesn't count; onnxruntime doesn't look again either."""
    before = cpus_at_import()
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {5}, raising=False)
    assert cpus_at_import() == before
    cpus_at_import.cache_clear()
    fake_onnxruntime(tmp_path, TELLS, monkeypatch)
    import_onnxruntime()
    monkeypatch.undo()
    assert cpus_at_import() == 1
    cpus_at_import.cache_clear()


def test_cpus_are_counted_where_there_is_no_affinity(monkeypatch: pytest.MonkeyPatch) -> None:
    """MacOS and Windows."""
    cpus_at_import.cache_clear()
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    assert cpus_at_import() == 12
    cpus_at_import.cache_clear()


@pytest.mark.parametrize(
    ("installed", "command"),
    [
        ([], "pip install -U 'onnxruntime>=1.25.0'"),
        (["onnxruntime"], "pip install -U 'onnxruntime>=1.25.0'"),
        (["onnxruntime_gpu"], "pip install -U 'onnxruntime-gpu>=1.25.0'"),
        (
            ["onnxruntime-openvino"],
            "pip uninstall -y onnxruntime-openvino && pip install 'onnxruntime>=1.25.0' onnxruntime-ep-openvino",
        ),
    ],
)
def test_the_command_upgrades_what_is_installed(
    monkeypatch: pytest.MonkeyPatch, installed: list[str], command: str
) -> None:
    """Upgrading another distribution would put a second onnxruntime into the folder of the first."""
    monkeypatch.setattr(metadata, "packages_distributions", lambda: {"onnxruntime": installed} if installed else {})
    with pytest.raises(ArtifactError) as raised:
        check_release("1.24.4", "1.20")
    assert str(raised.value).endswith(f": {command}")


def test_the_floor_of_the_code_is_the_floor_of_the_package() -> None:
    """What pip admits is what runs: extras that bring onnxruntime ask for that release."""
    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    asked = [line for extra in extras.values() for line in extra]
    engines = [line for line in asked if line.startswith(("onnxruntime>", "onnxruntime-gpu>"))]
    assert {line.partition(">=")[2] for line in engines} == {engine.LOWEST_ONNXRUNTIME}
    assert {line.partition(">=")[0] for line in engines} == {"onnxruntime", "onnxruntime-gpu"}
