"""What the tests of every folder share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Some tests import onnxruntime themselves; those of this variable start processes without it.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
# Matrices of tiny models are multiplied sooner than a second thread wakes up: with it, an export takes twice the time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from tiny.checkpoint import write_checkpoint
from tiny.weights import Sizes

pytest_plugins = ["oracle.plugin"]
# How long an example takes on a slow or loaded machine, or an emulated one, says nothing about a test.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


# Files that take longest, longest first: the last to be begun is what all others wait for.
LONGEST = (
    "parity/test_real.py",
    "real/test_arm.py",
    "kernels/test_hashes.py",
    "kernels/test_build.py",
    "kernels/test_sanitized.py",
    "parity/test_settings.py",
    "table/test_table.py",
    "emulated/test_other_cpus.py",
    "family/test_real_layouts.py",
    "packaging/test_lean_install.py",
    "packaging/test_silence.py",
    "server/test_process.py",
    "unit/runtime/bulk/test_signals.py",
    "unit/runtime/bulk/test_run.py",
    "hostile/test_export_places.py",
    "unit/export/cli/test_export.py",
    "unit/runtime/pack/test_offline.py",
    "unit/export/checkpoint/test_source.py",
    "family/test_layouts.py",
    "unit/bench/run/test_driver.py",
    "kernels/test_same_bits.py",
    "unit/export/test_listed_operators.py",
    "hostile/test_fuzz.py",
    "unit/bench/test_cli_bench.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first."""
    ranks = {Path(__file__).parent / name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))


COVERAGE_OF_PROCESSES = "COVERAGE_PROCESS_CONFIG"


@pytest.fixture(scope="session", autouse=True)
def _processes_are_not_measured() -> Iterator[str | None]:
    """Start processes without coverage, which costs each a fifth of a second; yields its configuration."""
    with pytest.MonkeyPatch.context() as patch:
        configuration = os.environ.get(COVERAGE_OF_PROCESSES)
        patch.delenv(COVERAGE_OF_PROCESSES, raising=False)
        yield configuration


@pytest.fixture
def measured(_processes_are_not_measured: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure the coverage of processes, too: for tests of lines that run nowhere else."""
    if _processes_are_not_measured is not None:
        monkeypatch.setenv(COVERAGE_OF_PROCESSES, _processes_are_not_measured)


@pytest.fixture
def coverage_paused() -> Iterator[None]:
    """Pause coverage in the test's thread, where it makes code of small steps three times slower.

    For lines that other tests measure. Threads of fixtures go on being measured.
    """
    tracer = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(tracer)


@pytest.fixture(scope="session")
def tiny_mpnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny MPNet checkpoint to read: mean pooling and no Normalize module, as BioLORD-2023."""
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny-mpnet"
    return write_checkpoint(folder, architecture="mpnet", output_hidden_states=True)


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT checkpoint to read: mean pooling and a Normalize module, as all-MiniLM-L6-v2."""
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny-bert"
    return write_checkpoint(folder, architecture="bert", normalize=True)


@pytest.fixture(scope="session", name="tiny_xlm-roberta")
def tiny_xlm_roberta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny XLM-R checkpoint to read: mean pooling and no Normalize module, as BioLORD-2023-M."""
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny-xlm-roberta"
    return write_checkpoint(folder, architecture="xlm-roberta")


@pytest.fixture(scope="session")
def tiny_camembert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny CamemBERT checkpoint to read."""
    return write_checkpoint(tmp_path_factory.mktemp("checkpoints") / "tiny-camembert", architecture="camembert")


@pytest.fixture(scope="session")
def tiny_distilbert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny DistilBERT checkpoint to read."""
    return write_checkpoint(tmp_path_factory.mktemp("checkpoints") / "tiny-distilbert", architecture="distilbert")


@pytest.fixture(scope="session")
def tiny_electra(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny ELECTRA checkpoint to read, its embeddings shorter than its token vectors, as ELECTRA-small."""
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny-electra"
    return write_checkpoint(folder, architecture="electra", sizes=Sizes(hidden=128, embedding=64))


@pytest.fixture(scope="session")
def tiny_modernbert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny ModernBERT checkpoint to read."""
    return write_checkpoint(tmp_path_factory.mktemp("checkpoints") / "tiny-modernbert", architecture="modernbert")
