"""A task of Ray's and of Spark's, as they look from outside: onnxruntime asks the network for nothing there either."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from guards.network import TELEMETRY, Watch

HERE = Path(__file__).parent
SCRIPTS = ("on_ray", "on_spark")
SECONDS = 8


def run(watch: Watch, script: str, artifact: Path, **more: str) -> str:
    """Run a script that embeds two rows, with a user's environment."""
    own = {"PYTHONPATH": str(HERE.parent), "RAY_USAGE_STATS_ENABLED": "0", "PYSPARK_PYTHON": sys.executable}
    command = [sys.executable, HERE / f"{script}.py", artifact, watch.folder, SECONDS]
    return watch.start(command, **own, **more)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_task_asks_for_nothing(tmp_path: Path, tiny: Path, script: str) -> None:
    """The worker looks up no name and no page, and onnxruntime leaves nothing at home."""
    watch = Watch(tmp_path)
    assert run(watch, script, tiny).endswith("2 rows")
    assert watch.traced()
    assert watch.calls_elsewhere() == []
    assert [name for name in watch.files() if "Microsoft" in name] == []


def test_telemetry_of_a_task_would_be_seen(tmp_path: Path, tiny: Path) -> None:
    """Where the user has it on, the worker has it on: the test above can fail."""
    watch = Watch(tmp_path)
    run(watch, "on_spark", tiny, **{TELEMETRY: "0"})
    assert [name for name in watch.files() if "Microsoft" in name]
