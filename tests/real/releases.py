"""Other releases of onnxruntime, each in a folder that goes before the environment's own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Releases:
    """Installs a release the first time that a test asks for it.

    Attributes:
        folder: Where they go.
        made: Those that are there.
    """

    folder: Path
    made: dict[str, Path] = field(default_factory=dict)

    def run(self, release: str, *arguments: object) -> str:
        """Run Python with a release of onnxruntime; returns what it prints on both streams."""
        environment = {**os.environ, "PYTHONPATH": str(self.install(release))}
        command = [sys.executable, *map(str, arguments)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    def install(self, release: str) -> Path:
        """Return the folder of a release."""
        if release not in self.made:
            place = self.folder / release
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
            command += ["--disable-pip-version-check", "--target", str(place), f"onnxruntime=={release}"]
            subprocess.run(command, check=True)
            self.made[release] = place
        return self.made[release]
