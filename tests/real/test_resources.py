"""What embedding takes of a machine: memory that stays flat and is shared, no core while idle, no more than it may."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from biolord_onnx.artifact.folder import Artifact
from real import resource_probe
from real.exports import MINILM, RealExports

pytestmark = pytest.mark.real

Figure = Callable[[str], None]
PROCESSES = 4
MANY_TEXTS = 6000
FLAT = 1.1
IDLE_CPU = 0.02
OWN_AFTER_QUERIES = 45
OWN_IN_BULK = 80
SHARED, EACH = 114, 50


@contextmanager
def probe(artifact: Path, bulk_texts: int = 0, *, cores: frozenset[int] | None = None) -> Iterator[dict[str, Any]]:
    """Run the probe; it is alive, doing nothing, as long as the block runs."""
    command = [sys.executable, resource_probe.__file__, str(artifact), str(bulk_texts)]
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores or before)  # children take it over
    try:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    finally:
        os.sched_setaffinity(0, before)
    with process:
        assert process.stdin
        assert process.stdout
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()
    assert process.returncode == 0


def test_memory_stays_where_it_is(exported: RealExports, figure: Figure) -> None:
    """Thousands of texts of random lengths later it is within 10 % of what it was after the first thousand."""
    artifact = exported(MINILM, "cpu-int8")
    with probe(artifact.path, MANY_TEXTS) as found:
        first, last = found["after_first"]["resident"], found["after_bulk"]["resident"]
    figure(f"{artifact.manifest.name}: {first:.0f} MB after 1,000 texts, {last:.0f} after {MANY_TEXTS}")
    assert last <= FLAT * first


def test_an_idle_embedder_costs_nothing(demo_artifact: Artifact, figure: Figure) -> None:
    """Its threads sleep once a run is over."""
    with probe(demo_artifact.path) as found:
        resident = found["after_queries"]["resident"]
        figure(
            f"{demo_artifact.manifest.name}: {resident:.0f} MB after {resource_probe.QUERIES} queries, "
            f"{found['idle_cpu']:.4f} of a core while idle"
        )
        assert found["idle_cpu"] < IDLE_CPU


def test_processes_share_the_weights(demo_artifact: Artifact, figure: Figure) -> None:
    """Mapped, never copied: what is a process's own is small, and each process adds little more than that."""
    with ExitStack() as stack:
        found = [stack.enter_context(probe(demo_artifact.path)) for _ in range(PROCESSES)]
        own = [one["after_queries"]["dirty"] for one in found]
        shares = [resource_probe.memory(one["process"])["pss"] for one in found]  # now that all are there
    figure(
        f"{demo_artifact.manifest.name}: {max(own):.0f} MB of a process's own after {resource_probe.QUERIES} queries; "
        f"{PROCESSES} processes at once: {sum(shares):.0f} MB together"
    )
    assert max(own) <= OWN_AFTER_QUERIES
    assert sum(shares) <= SHARED + PROCESSES * EACH


def test_memory_in_bulk(demo_artifact: Artifact, figure: Figure) -> None:
    """Activations of as many small runs as there are cores, and no packed weights."""
    with probe(demo_artifact.path, 200) as found:
        own = found["after_bulk"]["dirty"]
    figure(f"{demo_artifact.manifest.name}: {own:.0f} MB of a process's own in bulk")
    assert own <= OWN_IN_BULK


def test_one_core_is_one_thread(demo_artifact: Artifact) -> None:
    """A process that may use one core of several uses one thread, without a complaint of onnxruntime about the rest."""
    core = min(os.sched_getaffinity(0))
    with probe(demo_artifact.path, cores=frozenset({core})) as found:
        assert found["threads"] == 1
