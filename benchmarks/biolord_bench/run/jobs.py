"""What is measured: one row each."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from biolord_bench.results.agreement import stated_fidelity
from biolord_bench.results.figures import Fidelity
from biolord_bench.results.names import counted_threads, distinct_names
from biolord_bench.run.every import EVERY, Way, every_way
from biolord_bench.worker.tool import Settings
from biolord_onnx.artifact.folder import Artifact
from biolord_onnx.errors import InputError
from biolord_onnx.session.engine import import_onnxruntime
from biolord_onnx.session.plugins import available_providers
from biolord_onnx.session.providers import find_provider, installed_providers

ADAPTER = "biolord_onnx"
SETTING = "as it comes"


@dataclass(frozen=True, slots=True)
class Job:
    """A tool with a model, and the way to run it.

    Attributes:
        model: The folder by whose tokenizer its tokens are counted.
        limit: Tokens that the model takes; a tool that cuts earlier isn't run on longer texts.
        tool: Distribution whose version is reported.
        engine: Distribution that does the arithmetic.
        target: Of an artifact; None for a peer's model.
        stated: Fidelity as the artifact's manifest has it.
        packages: Folder that the interpreter finds this package in; None where it is installed.
        asks_hub: Whether the tool asks the model hub each time it loads, so that its start is the network's.
        reference: Whether only its vectors are wanted, and no row.
        error: Why it can't be run at all.
    """

    name: str
    python: Path
    settings: Settings
    model: Path
    limit: int
    tool: str
    engine: str
    provider: str
    setting: str
    target: str | None = None
    file_mb: float | None = None
    stated: Fidelity | None = None
    packages: Path | None = None
    asks_hub: bool = False
    reference: bool = False
    error: str | None = None

    @property
    def own(self) -> bool:
        """Whether it can be asked for stages and grid."""
        return self.settings.adapter == ADAPTER


def plan_jobs(
    artifacts: Sequence[Artifact], providers: Sequence[str] | None, threads: Sequence[int], *, spinning: bool = False
) -> list[Job]:
    """List the rows of artifacts.

    An artifact that nothing installed runs gets a row too, which will say so.

    Args:
        artifacts: What to measure.
        providers: Names; None takes every installed one that runs an artifact's target, ``all`` every one that
            there is, with a row for each kind of kernels, and one with the reason for each that can't run it.
        threads: Numbers of threads, one row each.
        spinning: Whether threads without work keep their cores busy.

    Raises:
        MissingDependencyError: No onnxruntime is installed.
        ProviderError: A provider asked for by name is unknown or not installed.
        InputError: One is named beside ``all``.
    """
    ort = import_onnxruntime()
    available = available_providers(ort)
    every = providers is not None and EVERY in providers
    if every and len(providers or ()) > 1:
        raise InputError(f"providers are {','.join(providers or ())}, but {EVERY} has every provider: name it alone")
    asked = [] if every else [find_provider(name, available).name for name in providers or ()]
    counts = Counter(artifact.manifest.name for artifact in artifacts)
    jobs, labels = list[Job](), list[str]()
    for artifact in artifacts:
        name = artifact.manifest.name
        label = name if counts[name] == 1 else f"{name} ({artifact.path})"
        fit = [provider.name for provider in installed_providers(artifact.manifest.target, available)]
        ways = every_way(ort, artifact.manifest) if every else [Way(name) for name in asked or fit or ["auto"]]
        for way in ways:
            counted = threads if way.refusal is None else threads[:1]
            jobs += [_in(way, own_job(label, artifact, way.provider, count, spinning=spinning)) for count in counted]
            labels += [way.label] * len(counted)
    environments = [
        (way_label, counted_threads(job.settings.threads)) for way_label, job in zip(labels, jobs, strict=True)
    ]
    names = distinct_names([job.name for job in jobs], environments)
    return [replace(job, name=name) for job, name in zip(jobs, names, strict=True)]


def _in(way: Way, job: Job) -> Job:
    """Have a job run in one way, or say why it can't."""
    setting = f"kernels {way.kernels}, {job.setting}" if way.kernels else job.setting
    settings = replace(job.settings, kernels=way.kernels)
    return replace(job, settings=settings, setting=setting, error=way.refusal)


def own_job(name: str, artifact: Artifact, provider: str, threads: int, *, spinning: bool = False) -> Job:
    """Describe how an artifact is measured in this environment.

    Args:
        name: Of the row.
        artifact: The model.
        provider: Name of the provider, or ``auto``.
        threads: Cores.
        spinning: Whether threads without work keep their cores busy.
    """
    manifest = artifact.manifest
    return Job(
        name=name,
        python=Path(sys.executable),
        settings=Settings(ADAPTER, str(artifact.path), threads, provider, spinning),
        model=artifact.path,
        limit=manifest.max_length.value,
        tool="biolord-onnx",
        engine="onnxruntime",
        provider=provider,
        setting="threads without work spin" if spinning else SETTING,
        target=manifest.target,
        file_mb=sum(entry.size for entry in manifest.files) / 1e6,
        stated=stated_fidelity(manifest.fidelity),
    )
