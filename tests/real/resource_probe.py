"""What a process takes that embeds with an artifact: run as a script, prints one JSON object.

    python resource_probe.py ARTIFACT BULK_TEXTS

Memory in MB of 10^6 bytes: resident, private and not in the page cache (dirty), this process's share (pss).
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from pathlib import Path

from biolord_onnx import Embedder

QUERIES, LONGEST_QUERY = 40, 12
FIRST_TEXTS = 1000
IDLE_SECONDS = 1.0
WORDS = ("fever", "acute", "renal", "failure", "of", "the", "left", "ventricle", "chronic", "lesion", "with", "pain")


def memory(process: int | str = "self") -> dict[str, float]:
    """Read /proc/self/smaps_rollup, or another process's."""
    lines = [line.split() for line in Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()]
    kibibytes = {line[0]: int(line[1]) for line in lines if line[-1] == "kB"}
    names = {"resident": "Rss:", "dirty": "Private_Dirty:", "pss": "Pss:"}
    return {name: kibibytes[key] * 1024 / 1e6 for name, key in names.items()}


def texts(count: int, seed: int, longest: int = 120) -> list[str]:
    """Make texts of random lengths, most of them short."""
    draw = random.Random(seed)
    lengths = [min(longest, 1 + int(draw.expovariate(1 / 12))) for _ in range(count)]
    return [" ".join(draw.choices(WORDS, k=length)) for length in lengths]


def main(artifact: str, bulk_texts: int) -> None:
    """Load, query, wait, work, and tell what each took."""
    found: dict[str, object] = {"process": os.getpid()}
    with Embedder.load(artifact) as embedder:
        for query in texts(QUERIES, seed=3, longest=LONGEST_QUERY):
            embedder.encode(query)
        found["after_queries"] = memory()
        cpu = time.process_time()
        time.sleep(IDLE_SECONDS)
        found["idle_cpu"] = (time.process_time() - cpu) / IDLE_SECONDS
        found["threads"] = embedder.threads
        if bulk_texts:
            embedder.encode(texts(FIRST_TEXTS, seed=1))
            found["after_first"] = memory()
            embedder.encode(texts(bulk_texts, seed=2))
            found["after_bulk"] = memory()
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()
    sys.stdin.read()  # others measure while this process is alive


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
