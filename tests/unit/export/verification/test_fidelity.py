"""Figures of fidelity, against slow and plain ways to compute them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from biolord_export.errors import FidelityError
from biolord_export.verification import fidelity
from biolord_export.verification.fidelity import (
    FidelityGate,
    FidelityReport,
    GroupFidelity,
    compare,
    judge,
    nearest_neighbors,
)
from biolord_onnx.artifact.json_fields import JSONObject
from biolord_onnx.errors import ArtifactError

Float32 = NDArray[np.float32]
GATE = FidelityGate(0.998, 0.99, 0.98)
GROUP = GroupFidelity("names", 3, 0.9991, 0.998, 0.991, 1.0, 0.95, ("fever",))


def unit_vectors(count: int, dim: int, seed: int) -> Float32:
    """Make random vectors of length 1."""
    values = np.random.default_rng(seed).normal(size=(count, dim))
    units: NDArray[np.float64] = values / np.linalg.norm(values, axis=1, keepdims=True)
    return units.astype(np.float32)


def slow_neighbors(vectors: Float32, count: int) -> list[list[int]]:
    """Sort all the others of each vector by their dot product, the earlier first among equals."""
    scores = (vectors @ vectors.T).tolist()
    return [
        sorted((other for other in range(len(row)) if other != index), key=lambda other: (-row[other], other))[:count]
        for index, row in enumerate(scores)
    ]


def slow_cosines(one: Float32, two: Float32) -> list[float]:
    """Sum products one by one."""
    return [math.fsum(float(x) * float(y) for x, y in zip(a, b, strict=True)) for a, b in zip(one, two, strict=True)]


@settings(max_examples=40, deadline=None)
@given(count=st.integers(1, 40), dim=st.integers(1, 9), noise=st.floats(0, 0.5), seed=st.integers(0, 999))
def test_a_comparison_equals_the_slow_one(count: int, dim: int, noise: float, seed: int) -> None:
    """Mean, percentile, minimum, both shares of neighbors and the worst texts."""
    exact = unit_vectors(count, dim, seed)
    found = exact + np.float32(noise) * unit_vectors(count, dim, seed + 1)
    texts = [f"text {number}" for number in range(count)]
    group = compare("names", texts, exact, found)
    cosines = slow_cosines(exact, found)
    assert group.cosine_mean == pytest.approx(sum(cosines) / count)
    assert group.cosine_min == pytest.approx(min(cosines))
    assert group.cosine_p1 == pytest.approx(np.quantile(cosines, 0.01))
    assert group.texts == count
    assert cosines[texts.index(group.worst[0])] == pytest.approx(min(cosines))
    pairs = list(zip(slow_neighbors(exact, 10), slow_neighbors(found, 10), strict=True))
    if count > 1:
        assert group.top1 == pytest.approx(sum(a[0] == b[0] for a, b in pairs) / count)
        assert group.top10 == pytest.approx(sum(len({*a} & {*b}) / len(a) for a, b in pairs) / count)


@pytest.mark.parametrize("rows", [1, 3, 64, 1000])
def test_neighbors_do_not_depend_on_how_many_are_sought_at_once(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    """Slices bound the memory and change nothing."""
    vectors = unit_vectors(64, 5, seed=3)
    monkeypatch.setattr(fidelity, "NEIGHBOR_ROWS", rows)
    assert nearest_neighbors(vectors).tolist() == slow_neighbors(vectors, 10)


def test_a_text_is_no_neighbor_of_itself() -> None:
    """Even where it is the only one alike."""
    found = nearest_neighbors(unit_vectors(12, 4, seed=0))
    assert found.shape == (12, 10)
    assert all(index not in row for index, row in enumerate(found.tolist()))


def test_the_earlier_of_equal_neighbors_comes_first() -> None:
    """Ties are broken the same way on both sides, so that they are no difference."""
    same = np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (4, 1))
    assert nearest_neighbors(same).tolist() == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]
    group = compare("names", ["a", "b", "c", "d"], same, same)
    assert (group.top1, group.top10) == (1.0, 1.0)


def test_one_text_has_no_neighbors_to_lose() -> None:
    """Its cosine counts, and the shares are whole."""
    one = unit_vectors(1, 4, seed=0)
    group = compare("texts", ["fever"], one, one)
    assert group.cosine_mean == group.cosine_p1 == group.cosine_min == pytest.approx(1)
    assert (group.texts, group.top1, group.top10, group.worst) == (1, 1.0, 1.0, ("fever",))


def test_opposite_vectors_have_a_cosine_of_minus_one() -> None:
    """The worst there is."""
    vectors = unit_vectors(5, 4, seed=0)
    group = compare("names", list("abcde"), vectors, -vectors)
    assert group.cosine_mean == pytest.approx(-1.0)
    assert judge("r", [group], GATE, ["names"]).shortfalls == (
        "names: cosine_mean -1.000000 is below 0.998",
        "names: cosine_min -1.000000 is below 0.99",
    )


def test_the_worst_three_texts_are_shown_and_long_ones_shortened() -> None:
    """A report fits on a screen."""
    exact = unit_vectors(5, 3, seed=0)
    factors = np.array([[1.0], [0.5], [0.9], [0.7], [0.8]], dtype=np.float32)
    group = compare("passages", ["a", "b" * 61, "c", "d" * 60, "e"], exact, exact * factors)
    assert group.worst == ("b" * 59 + "…", "d" * 60, "e")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_vectors_that_are_not_finite_are_no_measurement(value: float) -> None:
    """NaN is below no bar: without this it would pass every gate."""
    exact = unit_vectors(4, 3, seed=0)
    found = exact.copy()
    found[1] = value
    with pytest.raises(FidelityError, match="names: 1 of 4 texts have vectors that aren't finite"):
        compare("names", list("abcd"), exact, found)


@pytest.mark.parametrize(
    ("kind", "mean", "minimum", "shortfalls"),
    [
        ("names", 0.998, 0.99, ()),
        ("names", 0.9979, 0.99, ("names: cosine_mean 0.997900 is below 0.998",)),
        ("names", 0.999, 0.9899, ("names: cosine_min 0.989900 is below 0.99",)),
        ("general", 0.5, 0.98, ()),
        ("general", 0.999, 0.9799, ("general: cosine_min 0.979900 is below 0.98",)),
    ],
)
def test_the_gate(kind: str, mean: float, minimum: float, shortfalls: tuple[str, ...]) -> None:
    """Medical texts need mean and minimum, others only the lower minimum; exactly reaching a bar is enough."""
    group = GroupFidelity(kind, 3, mean, minimum, minimum, 0.0, 0.0, ())
    report = judge("reference", [group], GATE, ["names", "passages"])
    assert report.shortfalls == shortfalls
    assert report.passed == (not shortfalls)


def test_a_report_goes_to_json_and_back() -> None:
    """What a manifest holds is the whole report."""
    negative = GroupFidelity("general", 2, -0.25, -0.5, -1.0, 0.0, 0.0, ("a", "b"))
    report = judge("reference", [GROUP, negative], GATE, ["names"])
    text = json.dumps(report.to_json())
    assert FidelityReport.from_json(json.loads(text), "manifest.json: fidelity") == report
    assert json.loads(text)["passed"] is False


def test_an_empty_report_passed() -> None:
    """No group, no shortfall; commands refuse to measure on nothing before it comes to that."""
    report = judge("reference", [], GATE, [])
    assert FidelityReport.from_json(report.to_json(), "here") == report
    assert report.passed


Spoil = Callable[[Any], object]


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda members: members.pop("reference"), "the key reference is missing"),
        (lambda members: members.pop("gate"), "the key gate is missing"),
        (lambda members: members["gate"].update(mean="0.9"), "gate: mean is '0.9', expected a number"),
        (lambda members: members.update(groups={}), "groups is an object, expected a list"),
        (lambda members: members.update(groups=[3]), "groups: 0 is 3, expected an object"),
        (lambda members: members["groups"][0].pop("cosine_min"), "groups: 0: the key cosine_min is missing"),
        (lambda members: members["groups"][0].update(cosine_min=None), "cosine_min is null, expected a number"),
        (lambda members: members["groups"][0].update(cosine_min=-1.5), "cosine_min is -1.5, expected a number"),
        (lambda members: members["groups"][0].update(cosine_min=math.nan), "cosine_min is nan, expected a number"),
        (lambda members: members["groups"][0].update(texts=0), "texts is 0, expected an integer of 1 or more"),
        (lambda members: members["groups"][0].update(top10=True), "top10 is True, expected a number"),
        (lambda members: members["groups"][0].update(worst=[1]), "worst: 0 is 1, expected a string"),
        (lambda members: members.update(shortfalls="none"), "shortfalls is 'none', expected a list"),
    ],
)
def test_a_broken_report_is_refused_naming_the_member(spoil: Spoil, complaint: str) -> None:
    """A manifest may have been edited by hand."""
    members: JSONObject = json.loads(json.dumps(judge("reference", [GROUP], GATE, ["names"]).to_json()))
    spoil(members)
    with pytest.raises(ArtifactError) as raised:
        FidelityReport.from_json(members, "manifest.json: fidelity")
    assert str(raised.value).startswith("manifest.json: fidelity: ")
    assert complaint in str(raised.value)


def test_a_report_without_pairs_is_read_whether_it_says_so_or_not() -> None:
    """Artifacts of either kind are about."""
    members = FidelityReport("itself", (), FidelityGate(0.9, 0.8, 0.7), ()).to_json()
    assert "pairs" not in members
    assert FidelityReport.from_json(members, "here") == FidelityReport.from_json(members | {"pairs": None}, "here")
