"""The runtime is lean: what it may import, and how fast it does."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

import biolord_onnx
from guards.imports import INTEGRATIONS, SERVER, imports_of, imports_server, sources, violations
from guards.readme import REPOSITORY

RUNTIME = Path(biolord_onnx.__file__).parent
HEAVY = (
    "numpy",
    "onnxruntime",
    "onnx",
    "tokenizers",
    "tqdm",
    "pyarrow",
    "psutil",
    "msgspec",
    "torch",
    "transformers",
    "biolord_bench",
    "biolord_export",
)
SECONDS_TO_IMPORT = 0.15


def clean_environment() -> dict[str, str]:
    """The process's environment without coverage's, which would start a tracer in each process."""
    return {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE")}


def run_isolated(code: str) -> str:
    """Run code in an isolated interpreter (no user site, no PYTHON variables, no current folder)."""
    command = [sys.executable, "-I", "-c", code]
    return subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=True).stdout


def test_importing_the_package_loads_nothing_heavy() -> None:
    """`import biolord_onnx` loads neither numpy nor onnxruntime, let alone torch."""
    code = f"import sys, biolord_onnx; print([name for name in {HEAVY!r} if name in sys.modules])"
    assert run_isolated(code).strip() == "[]"


def test_loading_an_embedder_class_loads_no_exporter() -> None:
    """The first public name that needs numpy brings numpy, and still nothing of the export stage."""
    names = ("numpy", "onnx", "torch", "transformers", "biolord_export")
    code = f"import sys; from biolord_onnx import Embedder; print([n for n in {names!r} if n in sys.modules])"
    assert run_isolated(code).strip() == "['numpy']"


def test_importing_the_package_is_fast() -> None:
    """The import costs at most 0.15 s over the bare interpreter, in the median of nine processes."""

    def seconds(code: str) -> float:
        start = time.perf_counter()
        run_isolated(code)
        return time.perf_counter() - start

    cost = [seconds("import biolord_onnx") - seconds("pass") for _ in range(9)]
    assert statistics.median(cost) <= SECONDS_TO_IMPORT


def test_the_runtime_has_sources_to_look_at() -> None:
    """The walk below sees the whole package, sub-packages included."""
    found = {path.relative_to(RUNTIME).as_posix() for path in sources(RUNTIME)}
    assert {"__init__.py", "embedder.py", "cli/main.py"} <= found


@pytest.mark.parametrize("path", sources(RUNTIME), ids=lambda path: path.relative_to(RUNTIME).as_posix())
def test_a_runtime_module_imports_only_what_it_may(path: Path) -> None:
    """numpy, onnxruntime, tokenizers, the standard library; what extras bring in functions; no network."""
    source = path.read_text(encoding="utf-8")
    in_server = path.is_relative_to(RUNTIME / "server")
    allowed = SERVER if in_server else INTEGRATIONS if path.is_relative_to(RUNTIME / "integrations") else frozenset()
    assert violations(source, "biolord_onnx", allowed) == []
    assert in_server or not imports_server(source)


@pytest.mark.parametrize("folder", ["runtime", "export", "examples", "benchmarks"])
def test_one_module_imports_onnxruntime(folder: str) -> None:
    """Elsewhere its telemetry would be on. The benchmarks' adapters run where the driver has turned it off."""
    found = [
        path.relative_to(REPOSITORY).as_posix()
        for path in sources(REPOSITORY / folder)
        if any(one.package == "onnxruntime" for one in imports_of(path.read_text(encoding="utf-8")))
    ]
    assert [path for path in found if not path.startswith("benchmarks/biolord_bench/peers/adapters/")] == (
        ["runtime/biolord_onnx/session/engine.py"] if folder == "runtime" else []
    )


def test_an_import_of_the_server_is_found() -> None:
    """At the top of a module, where it would bring a web framework to everybody."""
    assert imports_server("import os\nfrom biolord_onnx.server.run import run_server")
    assert not imports_server("def f():\n    from biolord_onnx.server.run import run_server")
    assert violations("import fastapi", "biolord_onnx", SERVER) == []
    assert violations("import fastapi", "biolord_onnx") == ["line 1: fastapi is no dependency"]


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("import torch", "line 1: torch is no dependency"),
        ("import os, torch.nn", "line 1: torch is no dependency"),
        ("def f():\n    from transformers import AutoModel", "line 2: transformers is no dependency"),
        ("from biolord_export.errors import ExportError", "line 1: biolord_export is no dependency"),
        ("def f():\n    from biolord_bench.table import render", "line 2: biolord_bench is no dependency"),
        ("import_module('biolord_export.cli')", "line 1: biolord_export is no dependency"),
        ("importlib.import_module('onnx')", "line 1: onnx is no dependency"),
        ("x = __import__('torch')", "line 1: torch is no dependency"),
        ("from .errors import BiolordError", "line 1: . is no dependency"),
        ("from tqdm import tqdm", "line 1: tqdm is optional: import it where it is used"),
        ("class A:\n    import pyarrow", "line 2: pyarrow is optional: import it where it is used"),
        ("if 1:\n    import pyarrow", "line 2: pyarrow is optional: import it where it is used"),
        ("def f():\n    import socket", "line 2: socket has no place here"),
        ("from urllib.request import urlopen", "line 1: urllib has no place here"),
        ("import pickle", "line 1: pickle has no place here"),
    ],
)
def test_the_walk_finds_what_is_not_allowed(source: str, complaint: str) -> None:
    """Each way to import something forbidden is found, with its line."""
    assert violations(source, "biolord_onnx") == [complaint]


@pytest.mark.parametrize(
    "source",
    [
        "import json, numpy as np\nfrom tokenizers import Tokenizer\nfrom biolord_onnx import errors",
        "def f():\n    from tqdm import tqdm",
        "async def f():\n    import pyarrow.parquet",
        "if TYPE_CHECKING:\n    import pyarrow",
        "if typing.TYPE_CHECKING:\n    import pyarrow",
        "import_module(name)",
    ],
)
def test_the_walk_lets_pass_what_is_allowed(source: str) -> None:
    """The base dependencies anywhere, the optional ones where they are used or only for types."""
    assert violations(source, "biolord_onnx") == []


def test_an_import_is_placed_at_its_level() -> None:
    """A function's import is not the module's, however deep the function stands."""
    found = imports_of("import a\nclass B:\n    def f(self):\n        import c\n")
    assert [(one.package, one.at_module_level) for one in found] == [("a", True), ("c", False)]
