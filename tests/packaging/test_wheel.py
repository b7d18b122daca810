"""What the wheel holds and asks for."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from configparser import ConfigParser
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

import hatch_build
from biolord_onnx import __version__
from biolord_onnx.pack.own_wheel import installed_tag, write_own_wheel
from guards.readme import REPOSITORY

PACKAGES = {
    "biolord_onnx": REPOSITORY / "runtime",
    "biolord_export": REPOSITORY / "export",
    "biolord_bench": REPOSITORY / "benchmarks",
}
INFO = f"biolord_onnx-{__version__}.dist-info"
ECOSYSTEM = {
    "chroma": "chromadb",
    "haystack": "haystack-ai",
    "langchain": "langchain-core",
    "llama-index": "llama-index-core",
    "ray": "ray[data]",
    "spark": "pyspark",
}
ENGINES = {
    "cpu": {"onnxruntime"},
    "cuda": {"onnxruntime-gpu"},
    "openvino": {"onnxruntime", "onnxruntime-ep-openvino"},
}
# Distributions that own the import directory of onnxruntime; a plugin has one of its own.
OWNERS = {"onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-directml", "onnxruntime-qnn"}


def members(wheel: Path) -> set[str]:
    """Names of the files in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def metadata(wheel: Path) -> Message:
    """A wheel's METADATA."""
    (name,) = (name for name in members(wheel) if name.endswith(".dist-info/METADATA"))
    with zipfile.ZipFile(wheel) as archive:
        return Parser().parsestr(archive.read(name).decode())


def requirements(wheel: Path, extra: str | None) -> set[str]:
    """Names of the packages that an extra asks for; None: a bare install."""
    found = set()
    for line in metadata(wheel).get_all("Requires-Dist", []):
        requirement, _, marker = line.partition(";")
        wanted = f"extra == '{extra}'" if extra else ""
        if marker.strip().replace('"', "'") == wanted:
            found.add(requirement.partition(">")[0].strip())
    return found


def test_the_packages_stand_at_top_level(wheel: Path) -> None:
    """`import biolord_onnx` works after an install: no folder `runtime` or `export` is in the way."""
    tops = {name.partition("/")[0] for name in members(wheel)}
    assert tops == {"biolord_onnx", "biolord_export", "biolord_bench", INFO}


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_every_file_of_a_package_is_in_the_wheel(wheel: Path, package: str) -> None:
    """Sources, the typing marker and data files arrive, and nothing else does."""
    root = PACKAGES[package]
    expected = {
        path.relative_to(root).as_posix()
        for path in (root / package).rglob("*")
        if path.is_file() and not {"__pycache__", "_native"} & {*path.parts}
    }
    # What was compiled comes from elsewhere, and has tests of its own.
    found = {name for name in members(wheel) if name.startswith(f"{package}/") and "/_native/" not in name}
    assert found == expected
    assert f"{package}/py.typed" in expected


def test_the_corpora_are_in_the_wheel(wheel: Path) -> None:
    """An installed exporter has its calibration and verification texts."""
    assert [name for name in members(wheel) if name.startswith("biolord_export/data/") and name.endswith(".txt")]


def test_a_bare_install_asks_for_two_packages(wheel: Path) -> None:
    """The base is numpy and tokenizers: the engine is the user's choice among the extras."""
    assert requirements(wheel, None) == {"numpy", "tokenizers"}


@pytest.mark.parametrize(("extra", "engine"), sorted(ENGINES.items()))
def test_each_engine_extra_brings_exactly_one_engine(wheel: Path, extra: str, engine: set[str]) -> None:
    """The engines own the same import directory, so no extra may bring two; nor may cpu and openvino together."""
    assert requirements(wheel, extra) == {*engine, "tqdm"}
    assert len(engine & OWNERS) == 1
    assert len((ENGINES["cpu"] | ENGINES["openvino"]) & OWNERS) == 1


def test_torch_comes_with_the_optimum_extra_alone(wheel: Path) -> None:
    """No other way of installing the project brings torch or transformers."""
    extras = metadata(wheel).get_all("Provides-Extra", [])
    heavy = {"torch", "transformers", "optimum", "optimum-onnx", "sentence-transformers"}
    assert {extra for extra in extras if requirements(wheel, extra) & heavy} == {"optimum"}
    assert set(extras) == {*ENGINES, *ECOSYSTEM, "bench", "export", "optimum", "parquet", "serve"}


def test_the_exporters_needs_are_listed(wheel: Path) -> None:
    """The export extra is onnx, protobuf, which reads sentencepiece's models, safetensors and huggingface-hub."""
    assert requirements(wheel, "export") == {"huggingface-hub", "onnx", "protobuf", "safetensors"}


def test_the_license_travels_with_the_wheel(wheel: Path) -> None:
    """MIT, by name and by text; and the notices of what the compiler adds to the library."""
    assert metadata(wheel)["License-Expression"] == "MIT"
    notices = ["LICENSE", "kernels/NOTICES"]
    assert metadata(wheel).get_all("License-File") == notices
    assert {f"{INFO}/licenses/{notice}" for notice in notices} <= members(wheel)


def test_the_command_and_the_exporters_commands_are_registered(wheel: Path) -> None:
    """An installer makes `biolord`, and `biolord` finds bench, export and verify."""
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"{INFO}/entry_points.txt").decode()
    parser = ConfigParser()
    parser.read_string(text)
    assert {section: dict(parser[section]) for section in parser.sections()} == {
        "console_scripts": {"biolord": "biolord_onnx.cli.main:main"},
        "biolord.commands": {
            "bench": "biolord_bench.cli",
            "export": "biolord_export.cli.export",
            "models": "biolord_export.cli.models",
            "verify": "biolord_export.cli.verify",
        },
    }


def test_the_floors_that_are_tested_are_the_floors_that_are_stated(wheel: Path) -> None:
    """`make test-floors` installs exactly the lowest releases that the metadata admits."""
    text = REPOSITORY.joinpath("requirements", "floors.txt").read_text(encoding="utf-8")
    tested = {line.replace("==", ">=") for line in text.splitlines() if "==" in line}
    stated = [line.partition(";")[0].strip() for line in metadata(wheel).get_all("Requires-Dist", [])]
    # Engines and tools of other machines, and what has an environment of its own.
    elsewhere = ("onnxruntime-", "optimum-onnx", "torch", "pandas", *ECOSYSTEM.values())
    assert tested == {requirement for requirement in stated if not requirement.startswith(elsewhere)}


@pytest.mark.real
def test_the_source_distribution_makes_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    """`python -m build`, in an isolated environment and through the sdist, loses no file.

    The library is found in the cache, so the sdist has every source that it is made from, with the same bytes.
    """
    command = [sys.executable, "-m", "build", "--outdir", str(tmp_path), str(REPOSITORY)]
    environment = {**os.environ, "BIOLORD_KERNELS_CACHE": str(hatch_build.CACHE)}
    subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    (through_sdist,) = tmp_path.glob("*.whl")
    assert through_sdist.name == wheel.name
    assert members(through_sdist) == members(wheel)
    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert {"Makefile", "tests/conftest.py", "requirements/dev.txt", "runtime/ruff.toml"} <= inside
    assert {".ci/run", ".github/workflows/ci.yml", "docs/index.md", "mkdocs.yml"} <= inside, "tests read them"
    assert not [name for name in inside if "_native" in name]


def test_a_pack_brings_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    """`biolord pack` makes it from what is installed: the same files with the same bytes as the build's.

    The library as well. Of the metadata only the headers: an editable install keeps the README of its day.
    """
    packed = write_own_wheel(tmp_path, installed_tag())
    assert packed.name == wheel.name
    own = {f"{INFO}/RECORD", f"{INFO}/WHEEL", f"{INFO}/METADATA"}
    with zipfile.ZipFile(wheel) as built, zipfile.ZipFile(packed) as made:
        assert members(packed) == members(wheel)
        assert [name for name in sorted(members(wheel) - own) if built.read(name) != made.read(name)] == []
    assert metadata(packed).items() == metadata(wheel).items()
