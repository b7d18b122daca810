"""``biolord bench`` on a real model, and its page in a real browser."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from biolord_bench.results.results import Results, Row
from biolord_onnx.artifact.folder import Artifact
from real.bars import SECONDS_FOR_QUICK_BENCH
from real.chromium import chromium
from real.exports import MINILM, RealExports
from real.slowness import slowness
from unit.runtime.command import run_process

pytestmark = pytest.mark.real

Figure = Callable[[str], None]
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
BRIGHTNESS = "Math.max(...getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)) / 255"


@dataclass(frozen=True)
class Measured:
    """A quick benchmark: the artifact, the results, the page, and how long it took."""

    artifact: Artifact
    results: Results
    page: Path
    seconds: float

    @property
    def row(self) -> Row:
        """The only row."""
        (row,) = self.results.rows
        return row


@pytest.fixture(scope="module")
def measured(exported: RealExports, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """Run the command as users do."""
    artifact = exported(MINILM, "cpu-int8")
    folder = tmp_path_factory.mktemp("bench")
    saved, page = folder / "r.json", folder / "r.html"
    started = time.perf_counter()
    outcome = run_process("bench", artifact.path, "--quick", "--json", saved, "--html", page)
    seconds = time.perf_counter() - started
    assert outcome.code == 0, outcome
    return Measured(artifact, Results.from_json(saved.read_text(encoding="utf-8"), saved), page, seconds)


def test_a_quick_look_is_quick(measured: Measured, figure: Figure) -> None:
    """Two processes, four workloads, a grid and a page."""
    slow = slowness(Path(sys.executable))
    figure(f"bench --quick of {measured.row.name}: {measured.seconds:.0f} s, on a machine {slow:.2f} times as slow")
    assert measured.seconds <= SECONDS_FOR_QUICK_BENCH * slow


def test_the_figures_are_there_and_make_sense(measured: Measured) -> None:
    """Percentiles in order, and parts within wholes."""
    row = measured.row
    assert row.query is not None
    assert 0 < row.query.p50_ms <= row.query.p95_ms <= row.query.p99_ms
    assert [bulk.workload for bulk in row.bulk] == ["names", "definitions", "long", "mixed"]
    assert row.memory is not None
    assert row.memory.after_queries_mb is not None
    assert row.memory.peak_mb is not None
    assert 30 < row.memory.after_queries_mb <= row.memory.peak_mb < 1000
    assert row.idle_cpu_percent is not None
    assert row.idle_cpu_percent < 5


def test_fidelity_is_the_manifests(measured: Measured) -> None:
    """For names, as `biolord verify` shows it."""
    assert measured.row.fidelity is not None
    assert f'"cosine_mean": {measured.row.fidelity.mean}' in json.dumps(measured.artifact.manifest.fidelity)


def test_the_page_opens_without_a_complaint_or_a_request(measured: Measured, tmp_path: Path) -> None:
    """In a browser: nothing in the console, nothing requested but the page, and every table has some height."""
    with chromium(tmp_path / "profile") as page:
        page.open(measured.page)
        sizes = page.evaluate("[...document.querySelectorAll('table')].map(e => e.getBoundingClientRect().height)")
        wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        pictures, brightness = {}, {}
        for scheme in SCHEMES:
            pictures[scheme] = page.screenshot(scheme)
            brightness[scheme] = page.evaluate(BRIGHTNESS)
        assert page.complaints() == []
        assert {url for url in page.requests() if not url.startswith("data:")} == {measured.page.as_uri()}
    assert isinstance(sizes, list)
    assert len(sizes) == 9, sizes
    assert min(sizes) > 40
    assert wide is False
    for scheme, picture in pictures.items():
        measured.page.with_name(f"{scheme}.png").write_bytes(picture)
    assert float(str(brightness["light"])) > 0.9
    assert float(str(brightness["dark"])) < 0.2


def test_a_page_that_complains_is_noticed(tmp_path: Path) -> None:
    """The browser sees a request, an exception and a message in the console, so their absence above means something."""
    file = tmp_path / "bad.html"
    file.write_text(
        "<img src='nowhere.png'><script>console.error('x'); throw new Error('y')</script>", encoding="utf-8"
    )
    with chromium(tmp_path / "profile") as page:
        page.open(file)
        methods = {complaint["method"] for complaint in page.complaints()}
        assert {"Runtime.exceptionThrown", "Runtime.consoleAPICalled"} <= methods
        assert (tmp_path / "nowhere.png").as_uri() in page.requests()
