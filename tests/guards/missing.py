"""What tests need of a machine, and the one answer where it isn't there."""

from __future__ import annotations

import os
import shutil
import sys
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """Skip a test for a reason that somebody can mend, and fail where CI=true says that nothing may be missing."""
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)


def find_program(name: str, package: str, *, as_root: bool = False) -> str:
    """Find a program of a Debian package; on another system than Linux the test is skipped, since it can't be there."""
    if sys.platform != "linux":
        pytest.skip(f"{name} needs Linux")
    if as_root and os.geteuid() != 0:
        missing(f"{name} needs root")
    return shutil.which(name) or missing(f"{name} is not installed: apt-get install {package}")
