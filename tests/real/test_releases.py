"""onnxruntime's kernels on this CPU: the lowest release that is allowed, the newest, and one that is wrong."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from biolord_export.corpus import builtin_verification
from biolord_onnx.embedder import Embedder
from biolord_onnx.session.cpu import cpu_features
from biolord_onnx.session.engine import LOWEST_ONNXRUNTIME, import_onnxruntime
from real.exports import MPNET, RealExports
from real.releases import Releases
from unit.runtime.command import COMMAND

pytestmark = pytest.mark.real

LAST_WRONG = "1.24.4"
LEAST_MEAN = 0.999
SAMPLES = {"names": 12, "passages": 12}
"""One in so many of the texts that exports are verified on."""

ENCODE = """
import sys, numpy, onnxruntime
from biolord_onnx.embedder import Embedder
texts = open(sys.argv[2], encoding="utf-8").read().split("\\0")
numpy.save(sys.argv[3], Embedder.load(sys.argv[1]).encode(texts, normalize=True))
print(onnxruntime.__version__)
"""
PROBE = """
import onnxruntime
from biolord_onnx.session.saturation import measure_products
products = measure_products(onnxruntime)
print(onnxruntime.__version__, products.exact, products.saturated)
"""


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Releases:
    """Give releases of onnxruntime."""
    return Releases(tmp_path_factory.mktemp("releases"))


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Medical names and passages: short ones, and some of hundreds of tokens."""
    return [text for kind, every in SAMPLES.items() for text in builtin_verification()[kind][::every]]


@pytest.fixture(scope="module")
def exact(exported: RealExports, texts: list[str]) -> NDArray[np.float32]:
    """The vectors of the float32 artifact."""
    with Embedder.load(exported(MPNET, "cpu-fp32").path) as embedder:
        return np.asarray(embedder.encode(texts, normalize=True))


@pytest.mark.parametrize("release", [LOWEST_ONNXRUNTIME, import_onnxruntime().__version__])
def test_vectors_are_right_with_the_lowest_and_the_newest(
    release: str,
    releases: Releases,
    exported: RealExports,
    texts: list[str],
    exact: NDArray[np.float32],
    tmp_path: Path,
    figure: Callable[[str], None],
) -> None:
    """Mean cosine of the default target to float32, in batches of more than 32 rows."""
    (tmp_path / "texts").write_text("\0".join(texts), encoding="utf-8")
    places = (exported(MPNET, "cpu-int8").path, tmp_path / "texts", tmp_path / "vectors.npy")
    assert releases.run(release, "-c", ENCODE, *places).strip() == release
    cosines = np.einsum("nd,nd->n", np.load(tmp_path / "vectors.npy"), exact)
    figure(f"cpu-int8 on onnxruntime {release}: cosine mean {cosines.mean():.5f}, minimum {cosines.min():.5f}")
    assert cosines.mean() >= LEAST_MEAN


@pytest.mark.skipif(platform.machine() != "x86_64", reason="another CPU's kernels")
@pytest.mark.parametrize("release", [LAST_WRONG, LOWEST_ONNXRUNTIME])
def test_a_release_that_is_wrong_on_amx_is_found_out(release: str, releases: Releases) -> None:
    """By its kernels, whatever its number; elsewhere than on AMX it is right, or saturates as any does."""
    found, exact, saturated = releases.run(release, "-c", PROBE).split()
    assert found == release
    if "amx_int8" in cpu_features():
        assert (exact, saturated) == (str(release != LAST_WRONG), "False")
    else:
        assert (exact == "True") != (saturated == "True")


def test_a_release_that_is_wrong_is_refused(releases: Releases, exported: RealExports) -> None:
    """By its number, whatever the CPU: one line with what to type."""
    said = releases.run(LAST_WRONG, *COMMAND[1:], "embed", exported(MPNET, "cpu-int8").path, "fever")
    assert said.startswith("biolord: onnxruntime is 1.24.4, the artifact needs 1.25.0 or later (1.21 to 1.24 multiply")
    assert said.endswith("pip install -U 'onnxruntime>=1.25.0'\n")
    assert said.count("\n") == 1
