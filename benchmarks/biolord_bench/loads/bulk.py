"""Embed a large file with `biolord embed`, killed on the way, beside what the library does with the same names.

    python -m biolord_bench.loads.bulk ARTIFACT [--names 1000000] [--pairs 3] [--kills 3]

First the rates: `Embedder.encode` of 10,000 names and `biolord embed` of 40,000, in turns, each in a process of its
own. Then the large file: killed at random moments and resumed, and once more without, and both files compared.
"""

from __future__ import annotations

import argparse
import filecmp
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from biolord_bench.workloads.writer import names as write_names

ENCODED = 10_000
EMBEDDED = 4 * ENCODED
DIFFERENT = 20_000
# Prints the rate of the second call: the first one opens what bulk work needs.
ENCODE = """
import sys, time
from pathlib import Path
from biolord_onnx import Embedder
names = Path(sys.argv[2]).read_text("utf-8").splitlines()
with Embedder.load(sys.argv[1]) as embedder:
    embedder.encode(names[:1000])
    started = time.perf_counter()
    embedder.encode(names)
    print(len(names) / (time.perf_counter() - started))
"""
_RESULT = re.compile(r": (\d+) vectors of .* in ([\d.]+) s$")
_RESUMED = re.compile(r": going on behind (\d+) of")


def embed_command(artifact: str, names: Path, output: Path) -> list[str]:
    """Return the command that users type."""
    command = [sys.executable, "-m", "biolord_onnx.cli.main", "embed", artifact, "--input", str(names)]
    return [*command, "--output", str(output), "--force"]


def encode_rate(artifact: str, names: Path) -> float:
    """Return the names a second of `Embedder.encode` in a new process."""
    return float(_run([sys.executable, "-c", ENCODE, artifact, str(names)]).stdout)


def embed_rate(artifact: str, names: Path, output: Path) -> float:
    """Return the names a second of `biolord embed`, as it says itself: reading and writing included, loading not."""
    done = _run(embed_command(artifact, names, output))
    found = _RESULT.search(done.stderr.strip())
    assert found is not None, done.stderr
    # Told in tenths: a run that took none is one of a test.
    return int(found[1]) / max(0.1, float(found[2]))


def embed_with_kills(artifact: str, names: Path, output: Path, seconds: list[float]) -> Iterator[str]:
    """Embed, killed after so many seconds each time but the last; yield what is worth telling."""
    for number, wait in enumerate(seconds, start=1):
        process = subprocess.Popen(embed_command(artifact, names, output), stderr=subprocess.PIPE, text=True)
        try:
            process.communicate(timeout=wait)
            yield f"kill {number}: came too late, the run had ended with {process.returncode}"
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            yield f"kill {number}: after {wait:.0f} s"
    done = _run(embed_command(artifact, names, output))
    resumed = _RESUMED.search(done.stderr)
    yield f"resumed behind {resumed[1] if resumed else 0} rows; {done.stderr.strip().splitlines()[-1]}"


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True)


def numbered_names(count: int) -> list[str]:
    """Generate any number of different names, in an order of no meaning: the first ones are a sample of all."""
    names = write_names(min(count, DIFFERENT))
    numbered = [f"{names[row % len(names)]} {row}" for row in range(count)]
    # Higher numbers have more tokens.
    random.Random(0).shuffle(numbered)
    return numbered


def main(argv: list[str] | None = None) -> int:
    """Measure, and print what was found; 1 if the two files differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artifact")
    parser.add_argument("--names", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--kills", type=int, default=3)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        return _measure(args, Path(folder))


def _measure(args: argparse.Namespace, folder: Path) -> int:
    small, middle, large = (folder / f"{name}.txt" for name in ("small", "middle", "large"))
    names = numbered_names(args.names)
    for path, count in ((small, ENCODED), (middle, EMBEDDED), (large, args.names)):
        path.write_text("\n".join(names[:count]), "utf-8")
    ratios, embed = [], 0.0
    for _ in range(args.pairs):
        encode, embed = encode_rate(args.artifact, small), embed_rate(args.artifact, middle, folder / "middle.npy")
        ratios.append(embed / encode)
        print(f"encode {encode:.0f} names/s, biolord embed {embed:.0f} names/s, ratio {ratios[-1]:.3f}", flush=True)
    print(f"ratio, median of {args.pairs}: {statistics.median(ratios):.3f}")
    longest = args.names / embed / max(1, args.kills)
    waits = [random.uniform(0.3, 0.9) * longest for _ in range(args.kills)]
    for line in embed_with_kills(args.artifact, large, folder / "killed.npy", waits):
        print(line, flush=True)
    for line in embed_with_kills(args.artifact, large, folder / "whole.npy", []):
        print(line, flush=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"peak memory of the largest process: {peak:.0f} MB")
    same = filecmp.cmp(folder / "killed.npy", folder / "whole.npy", shallow=False)
    print("both files have the same bytes" if same else "the files DIFFER")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
