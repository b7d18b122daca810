"""Fixtures of the tests beside other libraries, which have an environment of their own: `make test-ecosystem`."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

from unit.runtime.fixtures import compiled, embedder, tiny

__all__ = ["compiled", "embedder", "tiny"]

if find_spec("ray") is None:
    # Elsewhere these libraries are missing, and there is nothing to collect.
    collect_ignore_glob = ["test_*.py"]
else:
    # Workers are started by Ray and Spark and killed by tests: a tracer in each would only lose what it has.
    for name in [name for name in os.environ if name.startswith("COVERAGE")]:
        del os.environ[name]
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["ANONYMIZED_TELEMETRY"] = "False"
    os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
