"""The web example's page in Chromium: threads, a graphics card, how fast it is, and whose vectors it gives."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from biolord_onnx.embedder import Embedder
from parity.texts import names
from real.chromium import Page, chromium
from real.conftest import Drafts
from real.exports import MINILM, RealExports
from real.web import LEAST_COSINE, READY, TEXTS, cosines_to_cpu, example, found_in, served, wait, write_portable

pytestmark = pytest.mark.real
__all__ = ["example"]

TIMED = 200
REPEATS = 3
# SwiftShader, which comes with Chromium, computes on the CPU what a graphics card would.
EMULATED = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan")
EMBED = """(async () => {{
  const {{ load, reader }} = await import('./biolord.mjs');
  const model = await load(reader('artifact'), {options});
  const vectors = [];
  for (const text of {texts}) vectors.push(Array.from(await model.embed(text)));
  return vectors;
}})()"""
REFUSED = """import('./biolord.mjs').then(({{ load, reader }}) => load(reader('{folder}'), {options}))
  .then(() => 'loaded', (error) => error.message)"""


def test_a_browser_ranks_names(example: Path, tmp_path: Path) -> None:
    """The page loads the artifact, ranks what is typed, asks nobody else, and has nothing to complain about."""
    with served(example) as address, chromium(tmp_path / "profile") as page:
        page.open(f"{address}/index.html")
        wait(page, READY)
        page.evaluate("document.querySelector('button').click()")
        wait(page, "document.querySelectorAll('#found tr').length === 4")
        rows = page.evaluate("[...document.querySelectorAll('#found tr')].map((row) => row.innerText.split('\\t'))")
        requests, complaints = page.requests(), page.complaints()
    assert isinstance(rows, list)
    shown = ["Bartonellosis", "Cat bite", "Gestational hypertension", "Hypoglycaemia"]
    with Embedder.load(example / "artifact") as embedder:
        scores = embedder.encode(shown, normalize=True) @ embedder.encode("cat scratch injury", normalize=True)
    order = np.argsort(-scores)
    assert [name for _, name in rows] == [shown[index] for index in order]
    np.testing.assert_allclose([float(score) for score, _ in rows], scores[order], atol=0.01)
    assert [url for url in requests if not url.startswith((address, "data:", "blob:"))] == []
    assert [complaint for complaint in complaints if "favicon" not in json.dumps(complaint)] == []


@pytest.mark.parametrize("threads", [1, 2])
def test_how_fast_a_browser_is(example: Path, tmp_path: Path, threads: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Prints it, for WebAssembly; the vectors are those of the CPU provider."""
    some = names(TIMED)
    with served(example) as address, chromium(tmp_path / "profile") as page:
        page.open(f"{address}/?threads={threads}")
        wait(page, READY)
        (first,) = found_in(page, rf"on wasm with {threads} threads?: first vector after (\d+) ms")
        page.evaluate(f"document.querySelector('#names').value = {json.dumps(some)}.join('\\n')")
        rates = [timed(page) for _ in range(REPEATS)]
        vectors = page.evaluate(EMBED.format(texts=json.dumps([*TEXTS, *some]), options=f"{{threads: {threads}}}"))
        refused = page.evaluate(REFUSED.format(folder="artifact", options=f"{{threads: {3 - threads}}}"))
    cosines = cosines_to_cpu(example / "artifact", [*TEXTS, *some], vectors)
    with capsys.disabled():
        sys.stdout.write(
            f"\nChromium, {MINILM} portable-int8, wasm, threads: {threads}, cores: {os.cpu_count()}: "
            f"first vector after {first} ms, {max(rates)} names/s, cosine to the CPU's {cosines.min():.5f} at least\n"
        )
    assert cosines.min() >= LEAST_COSINE
    assert refused == f"the page has {threads} threads since its first artifact, not {3 - threads}: load it again"


def timed(page: Page) -> int:
    """Compare all names with the query; return how many texts a second that was."""
    page.evaluate("document.querySelector('button').click()")
    wait(page, READY)
    return found_in(page, r"\d+ texts in \d+ ms, (\d+) a second")[0]


def test_a_graphics_card_gives_the_same_vectors(
    example: Path, tmp_path: Path, drafts: Drafts, exported: RealExports
) -> None:
    """Of portable-fp32, on a card that Chromium emulates; what rounds to 8 bits is refused there."""
    shutil.copytree(example, tmp_path / "example", ignore=shutil.ignore_patterns("artifact"))
    write_portable(
        tmp_path / "example" / "artifact", drafts(MINILM) / "fp32", exported(MINILM, "cpu-int8"), "portable-fp32"
    )
    (tmp_path / "example" / "int8").symlink_to(example / "artifact")
    with served(tmp_path / "example") as address, chromium(tmp_path / "profile", *EMULATED) as page:
        page.open(f"{address}/?provider=webgpu")
        wait(page, READY)
        found_in(page, r" on webgpu with \d threads: first vector after (\d+) ms")
        vectors = page.evaluate(EMBED.format(texts=json.dumps(TEXTS[:3]), options="{provider: 'webgpu'}"))
        refused = page.evaluate(REFUSED.format(folder="int8", options="{provider: 'webgpu'}"))
        complaints = page.complaints()
    assert cosines_to_cpu(tmp_path / "example" / "artifact", TEXTS[:3], vectors).min() >= LEAST_COSINE
    assert refused == "webgpu takes portable-fp32, the artifact is portable-int8: use wasm"
    assert [complaint for complaint in complaints if "favicon" not in json.dumps(complaint)] == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            "{threads: 2}",
            "2 threads need a page that is cross-origin isolated: have its server send the headers of serve.mjs",
        ),
        ("{threads: 0}", "threads is 0, expected 1 or more"),
        ("{provider: 'cuda'}", "the provider is cuda, expected wasm or webgpu"),
        ("{}", "loaded"),
    ],
)
def test_what_a_page_cannot_have_is_refused(plain: Page, options: str, message: str) -> None:
    """In silence there would be one thread. Who asks for nothing gets what there is."""
    assert plain.evaluate(REFUSED.format(folder="artifact", options=options)) == message


@pytest.fixture(scope="module")
def plain(example: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Give the page of a server that doesn't isolate it."""
    command = (sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", example)
    with served(example, command) as address, chromium(tmp_path_factory.mktemp("plain") / "profile") as page:
        page.open(f"{address}/index.html")
        wait(page, READY)
        found_in(page, r"on wasm with 1 thread: first vector after (\d+) ms")
        yield page
