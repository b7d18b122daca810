"""The container's build context, its steps replayed in a Debian root: no engine, no network, no root user."""

from __future__ import annotations

import json
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from dockerfile_parse import DockerfileParser

from biolord_onnx.embedder import Embedder
from guards.missing import find_program
from real.exports import MINILM, RealExports
from real.machines import make_debian, run
from unit.runtime.command import run_process

pytestmark = pytest.mark.real

HERE = ".".join(platform.python_version_tuple()[:2])
KEY = "a-long-secret"
# Runs as root of namespaces of its own: a loopback of its own is all the network there is, the root can't be written.
DRIVER = Path(__file__).with_name("container.py")


@dataclass
class Stage:
    """An image in the making.

    Attributes:
        root: its file system.
        variables: of ENV.
        user: of USER, "0:0" before.
    """

    root: Path
    variables: dict[str, str] = field(default_factory=lambda: {"PATH": "/usr/local/bin:/usr/bin:/bin"})
    user: str = "0:0"

    def run(self, command: str) -> None:
        """Do a RUN step, without a network."""
        variables = [f"{name}={value}" for name, value in self.variables.items()]
        done = run("unshare", "--net", "chroot", self.root, "/usr/bin/env", "-i", *variables, "/bin/sh", "-c", command)
        assert done.returncode == 0, done.stdout + done.stderr

    def copy(self, source: Path, target: str) -> None:
        """Do a COPY step: a folder's content, or a file."""
        destination = self.root / target.strip("/")
        if source.is_dir():
            shutil.copytree(source, destination, symlinks=True, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, destination)

    def env(self, assignments: str) -> None:
        """Do an ENV step."""
        for part in shlex.split(assignments):
            name, _, value = part.partition("=")
            self.variables[name] = re.sub(r"\$(\w+)", lambda found: self.variables.get(found[1], ""), value)


@dataclass
class Image:
    """The last stage, and what it is told to do."""

    stage: Stage = field(init=False)
    entry_point: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)


def replay(context: Path, base: Callable[[str], Path]) -> Image:
    """Do what a Dockerfile says."""
    stages: dict[str, Stage] = {}
    image = Image()
    for step in DockerfileParser(str(context)).structure:
        kind, value = step["instruction"], step["value"]
        if kind == "FROM":
            origin, _, name = value.partition(" AS ")
            assert origin == f"python:{HERE}-slim-bookworm"
            image.stage = stages[name] = Stage(base(name or "last"))
        elif kind == "COPY":
            source, _, rest = value.partition(" ")
            folder = context
            if source.startswith("--from="):
                folder = stages[source.removeprefix("--from=")].root
                source, _, rest = rest.partition(" ")
            image.stage.copy(folder / source.strip("/"), rest)
        else:
            STEPS[kind](image, value)
    return image


# Each instruction but FROM and COPY, which need more than the image; another one is a KeyError.
STEPS: dict[str, Callable[[Image, str], None]] = {
    "COMMENT": lambda _image, _value: None,
    "EXPOSE": lambda _image, _value: None,
    "RUN": lambda image, value: image.stage.run(value),
    "ENV": lambda image, value: image.stage.env(value),
    "USER": lambda image, value: setattr(image.stage, "user", value),
    "HEALTHCHECK": lambda image, value: setattr(image, "health", json.loads(value.partition("CMD ")[2])),
    "ENTRYPOINT": lambda image, value: setattr(image, "entry_point", json.loads(value)),
}


@pytest.fixture(scope="module")
def image(exported: RealExports, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """Give the image, made without an index from what the pack brings."""
    if HERE != "3.11":
        pytest.skip(f"Debian bookworm has Python 3.11, and this is {HERE}")
    folder = tmp_path_factory.mktemp("container")
    context = folder / "context"
    artifact = exported(MINILM, "cpu-int8")
    packed = run_process("pack", artifact.path, "--docker", context, "--offline-for", f"linux-{platform.machine()}")
    assert packed.code == 0, packed.err
    debian = make_debian(folder / "debian", "python3", "python3-venv", "python-is-python3")

    def base(name: str) -> Path:
        return shutil.copytree(
            debian, folder / name, symlinks=True, ignore=shutil.ignore_patterns("dev", "proc", "sys")
        )

    yield replay(context, base)
    shutil.rmtree(folder)


def test_it_serves_without_a_network_a_root_or_a_place_to_write(
    image: Image, exported: RealExports, figure: Callable[[str], None]
) -> None:
    """Healthy, with a key, with the artifact's own vectors; it ends when told to."""
    find_program("unshare", "util-linux", as_root=True)
    task = {
        "root": str(image.stage.root),
        "user": [int(part) for part in image.stage.user.split(":")],
        "environment": image.stage.variables | {"BIOLORD_API_KEYS": KEY},
        "entry_point": image.entry_point,
        "health": image.health,
        "key": KEY,
        "text": "Cat scratch injury",
    }
    command = ["unshare", "--net", "--mount", sys.executable, str(DRIVER)]
    done = subprocess.run(command, input=json.dumps(task), capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["uid"] == int(image.stage.user.partition(":")[0])
    assert found["unwritable"]
    assert found["without_key"] == 401
    # uvicorn finishes requests, then lets the signal end it; as a container's first process it ends with 0.
    assert found["code"] in {0, -signal.SIGTERM}
    with Embedder.load(exported(MINILM, "cpu-int8").path) as embedder:
        expected = embedder.encode("Cat scratch injury", normalize=True)
    np.testing.assert_array_equal(np.array(found["vector"], np.float32), expected)
    added = sum(path.lstat().st_size for path in (image.stage.root / "opt").rglob("*") if not path.is_symlink())
    figure(f"container of {MINILM} cpu-int8: {added / 1e6:.0f} MB of packages, healthy after {found['seconds']:.1f} s")


def test_no_tool_that_builds_is_left_in_it(image: Image) -> None:
    """Nor torch: what isn't there needs no updates."""
    (packages,) = (image.stage.root / "opt/biolord/lib").glob("python*/site-packages")
    names = {path.name.partition("-")[0] for path in packages.iterdir()}
    assert names.isdisjoint({"pip", "setuptools", "torch", "transformers"})
    assert "onnxruntime" in names
    assert os.access(image.stage.root / "NOTICE", os.R_OK)
