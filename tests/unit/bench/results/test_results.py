"""Results and their JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from biolord_bench.results.results import Results
from biolord_onnx.errors import InputError
from unit.bench.results.sample import bare, failed_row, results, row


def damaged(*path: str | int, value: object) -> str:
    """Write the sample's JSON with one member changed, found by keys and positions."""
    document: Any = json.loads(results().to_json())
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(document)


def test_what_was_written_is_read() -> None:
    """Every figure survives, and so does a row without any."""
    whole = results(row(), bare(row("peer")), failed_row())
    assert Results.from_json(whole.to_json(), "a.json") == whole


def test_the_format_comes_first() -> None:
    """The document is indented JSON whose first member is the format, and ends in a newline."""
    text = results().to_json()
    assert next(iter(json.loads(text).items())) == ("format", 2)
    assert text.startswith('{\n "format": 2,')
    assert text.endswith("}\n")


def test_the_members_are_those_of_the_format() -> None:
    """Whoever writes this JSON elsewhere finds the same names here."""
    document = json.loads(results().to_json())
    assert set(document) == {"format", "created", "machine", "settings", "workloads", "rows"}
    assert set(document["machine"]) == {"cpu", "features", "cores", "memory_mb", "system"}
    assert set(document["settings"]) == {"threads", "spinning", "repeats"}
    assert set(document["workloads"]["names"]) == {"texts", "tokens", "sha256"}
    first = document["rows"][0]
    assert set(first["start"]) == {"import_ms", "load_ms", "first_vector_ms", "process_ms"}
    assert set(first["query"]) == {"texts", "p50_ms", "p95_ms", "p99_ms", "repeats_p50_ms"}
    assert set(first["bulk"][0]) == {
        "workload",
        "texts",
        "texts_per_s",
        "tokens_per_s",
        "cpu_s_per_1000",
        "repeats_texts_per_s",
    }
    assert set(first["memory"]) == {"after_queries_mb", "private_mb", "shared_mb", "peak_mb"}
    assert set(first["stages"]) == {"tokenize_ms", "run_ms", "other_ms"}
    assert set(first["grid"][0]) == {"batch", "length", "ms", "tokens_per_s"}
    assert set(first["fidelity"]) == {"mean", "minimum", "texts", "against"}


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("format",), 1, "r.json: format is 1, expected 2, which this biolord-onnx reads"),
        (("created",), None, "r.json: Expected `str`, got `null` - at `$.created`"),
        (("machine", "cores"), 0, "Expected `int` >= 1 - at `$.machine.cores`"),
        (("machine", "features"), "avx2", "Expected `array`, got `str` - at `$.machine.features`"),
        (("settings", "threads"), 1.5, "Expected `int | null`, got `float` - at `$.settings.threads`"),
        (("workloads", "names", "texts"), 0, "Expected `int` >= 1 - at `$.workloads[...].texts`"),
        (("rows", 0, "name"), 1, "Expected `str`, got `int` - at `$.rows[0].name`"),
        (("rows", 0, "affinity"), ["0"], "Expected `int`, got `str` - at `$.rows[0].affinity[0]`"),
        (("rows", 0, "query", "p50_ms"), -1, "Expected `float` >= 0.0 - at `$.rows[0].query.p50_ms`"),
        (("rows", 0, "query", "repeats_p50_ms"), ["x"], "got `str` - at `$.rows[0].query.repeats_p50_ms[0]`"),
        (("rows", 0, "bulk"), {}, "Expected `array`, got `object` - at `$.rows[0].bulk`"),
        (("rows", 0, "bulk", 1, "texts"), None, "Expected `int`, got `null` - at `$.rows[0].bulk[1].texts`"),
        (("rows", 0, "fidelity", "mean"), True, "Expected `float`, got `bool` - at `$.rows[0].fidelity.mean`"),
        (("rows", 0, "fidelity", "median"), 1, "unknown field `median` - at `$.rows[0].fidelity`"),
        (("rows", 0, "error"), "out of memory", "the row 'tiny-cpu-int8' has the error 'out of memory' beside figures"),
        (("rows", 1, "name"), "tiny-cpu-int8", "rows has 'tiny-cpu-int8' 2 times, expected once"),
    ],
)
def test_a_wrong_value_is_refused(path: tuple[str | int, ...], value: object, message: str) -> None:
    """The message names the file, the way to the value, what it is and what it should be."""
    with pytest.raises(InputError) as raised:
        Results.from_json(damaged(*path, value=value), "r.json")
    assert message in str(raised.value)


def test_a_missing_member_is_refused() -> None:
    """A figure that isn't known is null; one that isn't there is a mistake."""
    document = json.loads(results().to_json())
    del document["rows"][0]["query"]["p50_ms"]
    with pytest.raises(InputError, match=r"r.json: Object missing required field `p50_ms` - at `\$.rows\[0\].query`"):
        Results.from_json(json.dumps(document), "r.json")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": NaN}'])
def test_what_is_no_results_is_refused(text: str) -> None:
    """The message says how such a file is made, not that an artifact is to be exported."""
    with pytest.raises(InputError, match="write it again with biolord bench --json"):
        Results.from_json(text, "r.json")


def test_a_cosine_may_be_negative() -> None:
    """A destroyed model's worst text may point the other way."""
    text = damaged("rows", 0, "fidelity", "minimum", value=-0.2)
    fidelity = Results.from_json(text, "r.json").rows[0].fidelity
    assert fidelity is not None
    assert fidelity.minimum == -0.2


def test_the_bulk_figures_of_a_workload_are_found() -> None:
    """By the workload's name, in a row that has it."""
    bulk = row().bulk_of("passages")
    assert bulk is not None
    assert bulk.texts == 16
    assert row().bulk_of("poems") is None
    assert failed_row().bulk_of("names") is None
