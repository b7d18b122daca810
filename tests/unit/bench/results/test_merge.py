"""Joining results of several environments."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from biolord_bench.results.merge import merge_results
from biolord_bench.results.results import Results
from biolord_onnx.errors import InputError
from unit.bench.results.sample import MACHINE, SETTINGS, SIZES, results, row


def test_one_file_stays_what_it_is() -> None:
    """There is nothing to join."""
    assert merge_results([("a.json", results())]) == results()


def test_rows_stand_in_the_order_of_the_files() -> None:
    """The later time of writing is kept, and every row."""
    later = replace(results(row("other")), created="2026-11-24T00:00:00+00:00")
    merged = merge_results([("a.json", results(row())), ("b.json", later)])
    assert [one.name for one in merged.rows] == ["tiny-cpu-int8", "other"]
    assert merged.created == "2026-11-24T00:00:00+00:00"


def test_the_same_row_in_two_files_is_kept_once() -> None:
    """A file that was merged already adds nothing."""
    whole = results()
    assert merge_results([("a.json", whole), ("b.json", results(whole.rows[1]))]) == whole


def test_rows_of_one_name_get_their_difference() -> None:
    """One artifact on two providers is two rows that say so."""
    openvino = replace(row(provider="openvino"), engine="onnxruntime 1.24.1")
    merged = merge_results([("a.json", results(row())), ("b.json", results(openvino))])
    assert [one.name for one in merged.rows] == [
        "tiny-cpu-int8 [cpu, onnxruntime 1.32.0]",
        "tiny-cpu-int8 [openvino, onnxruntime 1.24.1]",
    ]


def test_other_figures_of_the_same_environment_are_refused() -> None:
    """Which of the two is right nobody could tell."""
    with pytest.raises(InputError) as raised:
        merge_results([("a.json", results(row())), ("b.json", results(row(speed=2.0)))])
    assert str(raised.value) == (
        "a.json and b.json both have a row 'tiny-cpu-int8' of the same environment (cpu, 2 threads, "
        "onnxruntime 1.32.0, biolord-onnx 0.1.0, Python 3.11.7, cpu-int8, amx_int8), with other figures: leave one of "
        "the files out"
    )


def test_another_machine_is_refused() -> None:
    """Milliseconds of two machines side by side would be read as a difference of the rows."""
    other = replace(results(row("other")), machine=replace(MACHINE, cpu="Another CPU"))
    with pytest.raises(
        InputError, match=r"b.json was measured on Another CPU \(avx2, avx512_vnni\), 2 cores, 25000 MB"
    ):
        merge_results([("a.json", results(row())), ("b.json", other)])


def test_other_settings_are_refused() -> None:
    """The message names only what differs."""
    other = replace(results(row("other")), settings=replace(SETTINGS, repeats=5, spinning=True))
    with pytest.raises(InputError) as raised:
        merge_results([("a.json", results(row())), ("b.json", other)])
    assert "spinning is True, expected False; repeats is 5, expected 2: run both the same way" in str(raised.value)
    assert "threads" not in str(raised.value)


def test_threads_may_differ() -> None:
    """Each row says its own."""
    other = replace(results(row("other")), settings=replace(SETTINGS, threads=1))
    assert merge_results([("a.json", results(row())), ("b.json", other)]).settings == replace(SETTINGS, threads=None)


def test_workloads_are_joined() -> None:
    """Those of either file; where tokens were counted otherwise, nobody's number is taken for all."""
    sizes = {"names": replace(SIZES["names"], tokens=8000), "mixed": SIZES["queries"]}
    merged = merge_results([("a.json", results(row())), ("b.json", replace(results(row("other")), workloads=sizes))])
    assert merged.workloads == {
        "names": replace(SIZES["names"], tokens=None),
        "queries": SIZES["queries"],
        "mixed": SIZES["queries"],
    }


@pytest.mark.parametrize("size", [replace(SIZES["names"], sha256="c" * 64), replace(SIZES["names"], texts=999)])
def test_other_texts_under_the_same_name_are_refused(size: object) -> None:
    """Speeds on other texts can't be compared."""
    other = replace(results(row("other")), workloads={"names": size})
    with pytest.raises(InputError, match=r"b.json has other texts for the workload names"):
        merge_results([("a.json", results(row())), ("b.json", other)])


def test_a_merge_is_read_again() -> None:
    """What is merged can be merged again."""
    merged = merge_results([("a.json", results(row())), ("b.json", results(row(provider="openvino")))])
    assert Results.from_json(merged.to_json(), "m.json") == merged
