"""What the tests of every folder share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tiny.checkpoint import write_checkpoint

# Some tests import onnxruntime themselves; those of this variable start processes without it.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

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
    "packaging/test_silence.py",
    "kernels/test_same_bits.py",
    "kernels/test_sanitized.py",
    "parity/test_settings.py",
    "table/test_table.py",
    "emulated/test_other_cpus.py",
    "family/test_real_layouts.py",
    "unit/bench/test_cli_bench.py",
    "packaging/test_lean_install.py",
    "unit/runtime/bulk/test_signals.py",
    "hostile/test_fuzz.py",
    "unit/bench/loads/test_serve_attack.py",
    "server/test_process.py",
    "hostile/test_export_places.py",
    "unit/runtime/bulk/test_run.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first."""
    ranks = {Path(__file__).parent / name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))


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
