"""Sessions, on the real onnxruntime."""

from __future__ import annotations

import platform
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from importlib import metadata
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from biolord_onnx.artifact.folder import Artifact, open_artifact
from biolord_onnx.artifact.manifest import Manifest, Requirements
from biolord_onnx.errors import (
    ArtifactError,
    BiolordError,
    InputError,
    MissingDependencyError,
    NotFiniteError,
    ProviderError,
)
from biolord_onnx.session.cpu import cpu_model
from biolord_onnx.session.engine import import_onnxruntime
from biolord_onnx.session.saturation import ProductSum, measure_products
from biolord_onnx.session.session import Output, open_session, select_provider
from unit.runtime.tiny_artifact import DIM, tiny_manifest, tiny_model, tiny_table, write_manifest

DISTRIBUTIONS = cache(metadata.packages_distributions)
IDS = np.array([[0, 5, 2], [0, 6, 2]], dtype=np.int64)
MASK = np.ones_like(IDS)


@pytest.fixture(autouse=True)
def _distributions_are_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors that name a pip command look at all that is installed, which takes a third of a second."""
    monkeypatch.setattr(metadata, "packages_distributions", DISTRIBUTIONS)


def with_manifest(folder: Path, manifest: Manifest) -> Artifact:
    """Give the artifact another manifest."""
    write_manifest(folder, manifest)
    return open_artifact(folder)


def with_model(folder: Path, data: bytes) -> Artifact:
    """Give the artifact another graph."""
    (folder / "model.onnx").write_bytes(data)
    return with_manifest(folder, tiny_manifest())


def test_both_outputs_come_back(tiny: Path) -> None:
    """A session gives what the graph computes."""
    session = open_session(open_artifact(tiny), threads=1)
    expected = tiny_table()[IDS].mean(axis=1)
    raw = session.run(IDS, MASK, "sentence_embedding")
    unit = session.run(IDS, MASK, "unit_embedding")
    np.testing.assert_allclose(raw, expected, rtol=1e-6)
    np.testing.assert_allclose(unit, expected / np.linalg.norm(expected, axis=1, keepdims=True), rtol=1e-6)
    assert raw.dtype == unit.dtype == np.float32


def test_it_says_how_it_runs(tiny: Path) -> None:
    """Provider and threads are those really used."""
    session = open_session(open_artifact(tiny), threads=3)
    assert (session.provider, session.threads) == ("cpu", 3)


def test_the_provider_asked_for_is_checked_first(tiny: Path) -> None:
    """What isn't there is refused before a session is made."""
    with pytest.raises(ProviderError, match="provider cuda is not in this onnxruntime"):
        open_session(open_artifact(tiny), provider="cuda")


def test_a_provider_that_does_not_start_is_an_error(tiny_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Onnxruntime falls back to the CPU with a warning; we don't."""
    artifact = with_manifest(tiny_copy, replace(tiny_manifest(), target="portable-fp32"))
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    )
    with (
        pytest.warns(UserWarning, match="'CUDAExecutionProvider' is not in available provider names"),
        pytest.raises(ProviderError) as raised,
    ):
        open_session(artifact)
    assert str(raised.value) == (
        "provider cuda did not start, onnxruntime fell back to cpu: "
        "check its driver and libraries, or ask for provider cpu"
    )


def test_no_part_of_a_graph_runs_on_the_cpu_in_silence(tiny_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorRT's sessions are told to refuse that, and so they do where it isn't there after all."""
    artifact = with_manifest(tiny_copy, replace(tiny_manifest(), target="portable-fp32"))
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["TensorrtExecutionProvider"])
    with (
        pytest.warns(UserWarning, match="'TensorrtExecutionProvider' is not in available provider names"),
        pytest.raises(BiolordError) as raised,
    ):
        open_session(artifact, provider="tensorrt")
    assert "\n" not in str(raised.value)


def test_a_provider_that_fails_is_not_replaced(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a driver's absence raises is told as it is, and onnxruntime doesn't try again on the CPU."""

    def fail(*_: object, enable_fallback: int, **__: object) -> None:
        assert enable_fallback == 0
        raise RuntimeError("libnvinfer.so.10:\ncannot open")

    monkeypatch.setattr(onnxruntime, "InferenceSession", fail)
    with pytest.raises(ArtifactError, match=r"can't be loaded by onnxruntime \S+: libnvinfer.so.10: cannot open$"):
        open_session(open_artifact(tiny))


@pytest.mark.parametrize(("spinning", "entry"), [(True, "1"), (False, "0")])
def test_waiting_threads_spin_only_when_asked_to(tiny: Path, *, spinning: bool, entry: str) -> None:
    """They would take a core from whatever else runs on it."""
    session = open_session(open_artifact(tiny), threads=1, spinning=spinning)
    assert isinstance(session.ort_session, onnxruntime.InferenceSession)
    options = session.ort_session.get_session_options()
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == entry


def test_compiled_operators_share_the_cores(compiled: Path, tiny: Path) -> None:
    """One session takes as many runs at once as there are cores; onnxruntime's own operators take all cores for one."""
    session = open_session(open_artifact(compiled), threads=2)
    assert isinstance(session.ort_session, onnxruntime.InferenceSession)
    assert session.ort_session.get_session_options().intra_op_num_threads == 2
    assert (session.threads, session.concurrency) == (2, 2)
    stock = open_session(open_artifact(tiny), threads=2)
    assert (stock.threads, stock.concurrency) == (2, 1)


def test_runs_side_by_side_give_the_same_bits(compiled: Path) -> None:
    """On more threads than there are cores, with one thread and with several each."""
    session = open_session(open_artifact(compiled), threads=2)
    alone = session.run(IDS, MASK, "unit_embedding").tobytes()
    with ThreadPoolExecutor(6) as pool:
        found = set(pool.map(lambda _: session.run(IDS, MASK, "unit_embedding").tobytes(), range(200)))
    assert found == {alone}


def test_without_onnxruntime_the_extras_are_named(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bare install fails at the first session with the command that fixes it."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'biolord-onnx\[cpu\]'"):
        open_session(open_artifact(tiny))


@pytest.mark.parametrize(
    ("found", "lowest"),
    [("1.29.2", "1.30"), ("1.9.0", "1.30"), ("1.30", "2.0"), ("1.30.0", "1.30.1"), ("dev", "1.30")],
)
def test_an_old_onnxruntime_is_refused(
    tiny_copy: Path, monkeypatch: pytest.MonkeyPatch, found: str, lowest: str
) -> None:
    """Both versions are named, and what to type; 1.9 is older than 1.30."""
    artifact = with_manifest(tiny_copy, replace(tiny_manifest(), requires=Requirements(lowest, ())))
    monkeypatch.setattr(onnxruntime, "__version__", found)
    with pytest.raises(
        ArtifactError, match=f"^onnxruntime is {found}, the artifact needs {lowest} or later: pip install"
    ):
        open_session(artifact)


@pytest.mark.parametrize("provider", ["auto", "cpu", "cuda", "openvino"])
@pytest.mark.parametrize("found", ["1.22.0", "1.24.4", "1.25rc1"])
def test_a_release_that_multiplies_wrongly_is_refused(
    tiny_copy: Path, monkeypatch: pytest.MonkeyPatch, found: str, provider: str
) -> None:
    """Whatever the artifact says that it needs, on any CPU and provider; the message says why and how to upgrade."""
    artifact = with_manifest(tiny_copy, replace(tiny_manifest(), target="portable-fp32"))
    monkeypatch.setattr(onnxruntime, "__version__", found)
    with pytest.raises(ArtifactError) as raised:
        open_session(artifact, provider=provider)
    assert str(raised.value) == (
        f"onnxruntime is {found}, the artifact needs 1.25.0 or later (1.21 to 1.24 multiply 8-bit numbers wrongly on "
        "CPUs with AMX): pip install -U 'onnxruntime>=1.25.0'"
    )


@pytest.mark.parametrize("found", ["1.25.0", "1.25.1rc1", "1.32.0+cpu", "2.0"])
def test_a_later_onnxruntime_is_fine(monkeypatch: pytest.MonkeyPatch, found: str) -> None:
    """The lowest version itself and everything after it runs."""
    monkeypatch.setattr(onnxruntime, "__version__", found)
    assert select_provider(import_onnxruntime(), tiny_manifest()).name == "cpu"


def test_a_cpu_that_lacks_a_feature_is_refused(tiny_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check of CPU features is made for the CPU provider, before the graph is loaded."""
    monkeypatch.delenv("BIOLORD_IGNORE_CPU_FEATURES", raising=False)
    manifest = replace(tiny_manifest(), requires=Requirements("1.20", ("quantum",)))
    artifact = with_manifest(tiny_copy, manifest)
    with pytest.raises(ArtifactError, match="needs a CPU with one of quantum"):
        open_session(artifact)


EXACT_PRODUCT_FEATURES = Requirements("1.20", ("avx512_vnni", "asimddp"))
SATURATED = ProductSum(1_048_544, 2_072_640, saturated=True)


def test_a_cpu_whose_kernels_saturate_is_refused(tiny_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An artifact that asks for dot products has the kernels measured before its graph is loaded."""
    monkeypatch.delenv("BIOLORD_IGNORE_CPU_FEATURES", raising=False)
    monkeypatch.setattr("biolord_onnx.session.session.measure_products", lambda _: SATURATED)
    artifact = with_manifest(tiny_copy, replace(tiny_manifest(), requires=EXACT_PRODUCT_FEATURES))
    with pytest.raises(ArtifactError, match="a sum is 1048544, expected 2072640"):
        open_session(artifact)
    monkeypatch.setenv("BIOLORD_IGNORE_CPU_FEATURES", "1")
    assert open_session(artifact).provider == "cpu"


def test_an_onnxruntime_that_multiplies_wrongly_is_refused(tiny_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the CPU is at fault then, but the release: the message names it, both sums and one that is right."""
    monkeypatch.delenv("BIOLORD_IGNORE_CPU_FEATURES", raising=False)
    monkeypatch.setattr("biolord_onnx.session.session.measure_products", lambda _: ProductSum(1_117_040_128, 2_489_200))
    artifact = with_manifest(tiny_copy, replace(tiny_manifest(), requires=EXACT_PRODUCT_FEATURES))
    with pytest.raises(ArtifactError) as raised:
        open_session(artifact)
    assert str(raised.value) == (
        f"tiny-cpu-fp32 would give wrong vectors here: onnxruntime {onnxruntime.__version__} multiplies 8-bit numbers "
        f"wrongly on {cpu_model()} (a sum is 1117040128, expected 2489200): pip install onnxruntime==1.25.0, or "
        "another release that is right"
    )


def test_an_artifact_that_needs_dot_products_runs_where_they_are_exact(
    tiny_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the real kernels say decides, even if the system names no feature at all."""
    monkeypatch.delenv("BIOLORD_IGNORE_CPU_FEATURES", raising=False)
    monkeypatch.setattr("biolord_onnx.session.session.cpu_features", frozenset)
    manifest = replace(tiny_manifest(), requires=EXACT_PRODUCT_FEATURES)
    if measure_products(onnxruntime).exact:
        assert open_session(with_manifest(tiny_copy, manifest)).provider == "cpu"
    else:
        with pytest.raises(ArtifactError, match="saturate"):
            select_provider(onnxruntime, manifest)


def test_an_onnxruntime_without_the_operator_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build that can't run the measurement could not run the artifact either."""
    monkeypatch.delenv("BIOLORD_IGNORE_CPU_FEATURES", raising=False)
    monkeypatch.setattr("biolord_onnx.session.saturation.probe_model", lambda: b"\x08\x08")
    measure_products.cache_clear()
    with pytest.raises(ArtifactError, match=r"^onnxruntime \d.+ can't run the 8-bit matmul that the artifact needs: "):
        select_provider(onnxruntime, replace(tiny_manifest(), requires=EXACT_PRODUCT_FEATURES))


def test_cpu_features_do_not_matter_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU the CPU's instruction sets are no reason to refuse."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    manifest = replace(tiny_manifest(), target="cuda-fp16", requires=Requirements("1.20", ("quantum",)))
    assert select_provider(onnxruntime, manifest).name == "cuda"


def test_a_number_of_threads_out_of_range_is_refused(tiny: Path) -> None:
    """A wrong option is an InputError that names it."""
    with pytest.raises(InputError, match="threads=0 is not a number of threads"):
        open_session(open_artifact(tiny), threads=0)


def test_a_graph_that_onnxruntime_refuses(tiny_copy: Path) -> None:
    """What it can't load, though its parts are those of an export, is one line with its reason."""
    model = tiny_model(tiny_table())
    model.graph.node[0].input[1] = "nowhere"
    artifact = with_model(tiny_copy, model.SerializeToString())
    with pytest.raises(ArtifactError, match=r"model\.onnx can't be loaded by onnxruntime \d") as raised:
        open_session(artifact)
    assert "\n" not in str(raised.value)


def test_another_signature_is_refused(tiny_copy: Path) -> None:
    """A graph with other outputs is somebody else's."""
    model = tiny_model(tiny_table(), outputs=("last_hidden_state", "pooler_output"))
    with pytest.raises(ArtifactError, match=r"outputs \{'last_hidden_state': 8, 'pooler_output': 8\}, expected"):
        open_session(with_model(tiny_copy, model.SerializeToString()))


def test_another_width_is_refused(tiny_copy: Path) -> None:
    """The graph's vectors must be as long as the manifest says."""
    artifact = with_manifest(tiny_copy, tiny_manifest(dim=DIM + 1))
    with pytest.raises(ArtifactError, match=r"'sentence_embedding': 8, .+ expected .+'sentence_embedding': 9"):
        open_session(artifact)


def test_a_failing_run_is_our_error(tiny: Path) -> None:
    """An id beyond the embedding table fails with the batch's shape and onnxruntime's reason."""
    session = open_session(open_artifact(tiny))
    with pytest.raises(BiolordError, match=r"onnxruntime failed on a batch of 1 texts of 2 tokens: .+Gather") as raised:
        session.run(np.array([[0, 10_000]]), np.ones((1, 2), dtype=np.int64), "sentence_embedding")
    assert "\n" not in str(raised.value)


# There onnxruntime's product with an infinite weight is a finite number, so that no vector shows it.
keeps_infinity = pytest.mark.skipif(
    platform.machine() == "aarch64", reason="onnxruntime's matmul gives a finite sum of an infinite weight under qemu"
)


@pytest.mark.parametrize(
    ("value", "output"),
    [
        (np.nan, "unit_embedding"),
        (np.nan, "sentence_embedding"),
        pytest.param(np.inf, "sentence_embedding", marks=keeps_infinity),
        pytest.param(-np.inf, "sentence_embedding", marks=keeps_infinity),
    ],
)
def test_a_vector_that_is_not_finite_is_an_error(tiny_copy: Path, value: float, output: Output) -> None:
    """One number among the weights is enough."""
    table = tiny_table()
    table[5, 3] = value
    (tiny_copy / "model.onnx.data").write_bytes(table.tobytes())
    session = open_session(with_model(tiny_copy, tiny_model(table).SerializeToString()), threads=2)
    good, bad = np.array([[0, 6, 2]] * 2), np.array([[0, 6, 2], [0, 5, 2]])
    assert np.isfinite(session.run(good, np.ones_like(good), output)).all()
    with pytest.raises(NotFiniteError, match=r"^1 of 2 texts of up to 3 tokens have vectors that aren't finite"):
        session.run(bad, np.ones_like(bad), output)
