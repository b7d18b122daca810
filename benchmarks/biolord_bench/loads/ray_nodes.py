"""Embed names with Ray Data on two nodes of this machine, beside one process on the same cores.

    python -m biolord_bench.loads.ray_nodes ARTIFACT [--names 100000] [--pairs 2]

Needs the environment of `make test-ecosystem`. Ray runs one actor of one core on each node. Its clock includes starting
the actors and collecting all vectors; the one process has loaded its artifact before.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from typing import Any

import numpy as np

from biolord_bench.loads.bulk import numbered_names
from biolord_onnx import Embedder

BATCH = 1024


def main(argv: list[str] | None = None) -> int:
    """Measure in turns, and print rates and ratios; 1 if a vector differs."""
    import pyarrow as pa
    import ray
    from ray.cluster_utils import Cluster

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artifact")
    parser.add_argument("--names", type=int, default=100_000)
    parser.add_argument("--pairs", type=int, default=2)
    args = parser.parse_args(argv)
    names = numbered_names(args.names)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address, log_to_driver=False)
    dataset = ray.data.from_arrow(pa.table({"id": range(len(names)), "text": names})).repartition(64).materialize()
    ratios, same = [], True
    for _ in range(args.pairs):
        seconds, expected = _alone(args.artifact, names)
        ray_seconds, found = _with_ray(args.artifact, dataset)
        same = same and bool(np.array_equal(found, expected))
        ratios.append(seconds / ray_seconds)
        print(
            f"one process {len(names) / seconds:.0f} names/s, Ray on two nodes {len(names) / ray_seconds:.0f} names/s, "
            f"ratio {ratios[-1]:.3f}",
            flush=True,
        )
    ray.shutdown()
    cluster.shutdown()
    print(f"ratio, median of {args.pairs}: {statistics.median(ratios):.3f}; vectors {'equal' if same else 'DIFFER'}")
    return 0 if same else 1


def _alone(artifact: str, names: list[str]) -> tuple[float, Any]:
    with Embedder.load(artifact) as embedder:
        embedder.encode(names[:1000])
        started = time.perf_counter()
        vectors = embedder.encode(names)
        return time.perf_counter() - started, vectors


def _with_ray(artifact: str, dataset: Any) -> tuple[float, Any]:  # noqa: ANN401 - Ray has no types here
    from biolord_onnx.integrations.ray import EmbedBatch

    mapped = dataset.map_batches(
        EmbedBatch, fn_constructor_args=[artifact], batch_size=BATCH, num_cpus=1, concurrency=2
    )
    started = time.perf_counter()
    batches = list(mapped.iter_batches(batch_size=None))
    seconds = time.perf_counter() - started
    ids = np.concatenate([batch["id"] for batch in batches])
    return seconds, np.concatenate([batch["embedding"] for batch in batches])[np.argsort(ids)]


if __name__ == "__main__":
    sys.exit(main())
