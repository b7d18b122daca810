"""Names of rows that would otherwise be the same."""

from __future__ import annotations

from biolord_bench.results.names import counted_threads, distinct_names


def test_different_names_are_left_alone() -> None:
    """Nothing is put behind a name that is unique."""
    assert distinct_names(["a", "b"], [("cpu", "x"), ("openvino", "x")]) == ["a", "b"]


def test_only_what_differs_is_told() -> None:
    """Of the rows of one name."""
    environments = [("cpu", "1 thread"), ("cpu", "2 threads"), ("openvino", "9 threads")]
    assert distinct_names(["a", "a", "b"], environments) == ["a [1 thread]", "a [2 threads]", "b"]


def test_threads_are_counted() -> None:
    """In the singular where it is one."""
    assert [counted_threads(count) for count in (1, 2)] == ["1 thread", "2 threads"]
