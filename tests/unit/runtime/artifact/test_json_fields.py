"""Typed reading of JSON objects."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from biolord_onnx.artifact.json_fields import Fields, describe, parse_object
from biolord_onnx.errors import ArtifactError

SOURCE = "m.json"


def fields(text: str) -> Fields:
    """Parse an object."""
    return parse_object(text, SOURCE)


def test_values_come_back_by_type() -> None:
    """Each reader returns the value of its type."""
    read = fields('{"t": "x", "i": 3, "n": 0.5, "w": 2, "b": true, "o": {"k": [1]}, "l": ["a", "b"]}')
    assert read.text("t") == "x"
    assert read.integer("i", least=3) == 3
    assert read.number("n") == 0.5
    assert read.number("w") == 2.0
    assert read.boolean("b") is True
    assert read.mapping("o") == {"k": [1]}
    assert read.texts("l") == ("a", "b")


def test_null_stands_for_nothing_where_that_is_allowed() -> None:
    """The optional readers give None for null and the value otherwise."""
    read = fields('{"t": null, "o": null, "u": "x", "p": {}}')
    assert read.optional_text("t") is None
    assert read.optional_mapping("o") is None
    assert read.optional_text("u") == "x"
    assert read.optional_mapping("p") == {}


def test_null_stands_for_an_unknown_figure() -> None:
    """Numbers, objects and lists of them may be unknown; where they aren't, they are read as ever."""
    read = fields('{"n": null, "c": null, "l": null, "m": 2, "d": {"k": 1}, "e": [{"k": 1}, {"k": 2}], "f": [1, 0.5]}')
    assert read.optional_number("n") is None
    assert read.optional_number("m") == 2.0
    assert read.optional_integer("n", least=0) is None
    assert read.optional_integer("m", least=2) == 2
    assert read.optional_child("c") is None
    assert read.optional_children("l") is None
    child, children = read.optional_child("d"), read.optional_children("e")
    assert child is not None
    assert children is not None
    assert [one.integer("k", least=1) for one in (child, *children)] == [1, 1, 2]
    assert read.numbers("f") == (1.0, 0.5)


@pytest.mark.parametrize("text", ['"x"', "true", "null", "1e999", "-1e999"])
def test_a_real_number_is_finite(text: str) -> None:
    """It may be negative, but neither infinite nor anything else."""
    assert fields('{"r": -0.5}').number("r", least=-1) == -0.5
    with pytest.raises(ArtifactError, match=r"expected a number|is too large a number"):
        fields(f'{{"r": {text}}}').number("r", least=-1)


def test_who_reads_other_files_names_another_remedy() -> None:
    """Not everything in JSON is an artifact's."""
    for text in ("", "[]"):
        with pytest.raises(ArtifactError, match=r"write it again$"):
            parse_object(text, SOURCE, "write it again")


def test_nested_objects_are_named_in_messages() -> None:
    """A wrong value deep inside is found by its path of keys."""
    read = fields('{"files": [{"size": 1}, {"size": "2"}], "w": {"a": 1}, "l": ["a", 2]}')
    with pytest.raises(ArtifactError, match=r"^m\.json: files: 1: size is '2', expected an integer$"):
        read.children("files")[1].integer("size", least=0)
    with pytest.raises(ArtifactError, match=r"^m\.json: w: a is 1, expected a string$"):
        read.text_mapping("w")
    with pytest.raises(ArtifactError, match=r"^m\.json: l: 1 is 2, expected a string$"):
        read.texts("l")


@pytest.mark.parametrize(
    ("text", "read", "message"),
    [
        ("{}", lambda f: f.text("k"), "the key k is missing"),
        ('{"k": 1}', lambda f: f.text("k"), "k is 1, expected a string"),
        ('{"k": null}', lambda f: f.text("k"), "k is null, expected a string"),
        ('{"k": 1}', lambda f: f.optional_text("k"), "k is 1, expected a string"),
        ('{"k": true}', lambda f: f.integer("k", least=0), "k is True, expected an integer"),
        ('{"k": 1.0}', lambda f: f.integer("k", least=0), "k is 1.0, expected an integer"),
        ('{"k": -1}', lambda f: f.integer("k", least=0), "k is -1, expected an integer of 0 or more"),
        ('{"k": "1"}', lambda f: f.number("k"), "k is '1', expected a number"),
        ('{"k": false}', lambda f: f.number("k"), "k is False, expected a number"),
        ('{"k": -0.5}', lambda f: f.number("k"), "k is -0.5, expected a number of 0 or more"),
        ('{"k": -2}', lambda f: f.number("k", least=-1), "k is -2, expected a number of -1 or more"),
        ('{"k": 7}', lambda f: f.integer("k", least=0, most=6), "k is 7, expected an integer of 6 or less"),
        ('{"k": [7]}', lambda f: f.integers("k", least=0, most=6), "k: 0 is 7, expected an integer of 6 or less"),
        (
            '{"k": {"a": 7}}',
            lambda f: f.integer_mapping("k", least=8, most=9),
            "k: a is 7, expected an integer of 8 or more",
        ),
        ('{"k": "abc"}', lambda f: f.text("k", longest=2), "k is a string of 3 characters, expected 2 at most"),
        ('{"k": "a b"}', lambda f: f.matching("k", re.compile("[a-z]+"), "letters"), "k is 'a b', expected letters"),
        ('{"k": 0}', lambda f: f.boolean("k"), "k is 0, expected true or false"),
        ('{"k": []}', lambda f: f.mapping("k"), "k is a list, expected an object"),
        ('{"k": "x"}', lambda f: f.optional_mapping("k"), "k is 'x', expected an object"),
        ('{"k": {}}', lambda f: f.texts("k"), "k is an object, expected a list of strings"),
        ('{"k": {}}', lambda f: f.children("k"), "k is an object, expected a list of objects"),
        ('{"k": [1]}', lambda f: f.children("k"), "k: 0 is 1, expected an object"),
    ],
)
def test_a_wrong_value_is_refused_with_both(text: str, read: Callable[[Fields], object], message: str) -> None:
    """The message names the key, what was found and what is expected."""
    with pytest.raises(ArtifactError) as raised:
        read(fields(text))
    assert str(raised.value) == f"m.json: {message}"


@pytest.mark.parametrize("text", ["", "{", '{"k": 1', "{'k': 1}", "\0", '{"k": NaN}', '{"k": -Infinity}'])
def test_broken_json_is_refused(text: str) -> None:
    """What isn't JSON is an ArtifactError that names the file."""
    with pytest.raises(ArtifactError, match=r"^m\.json is not valid JSON \(.+\): the file is damaged"):
        fields(text)


def test_json_nested_beyond_measure_is_refused() -> None:
    """A hundred thousand brackets don't crash the parser."""
    with pytest.raises(ArtifactError, match="not valid JSON"):
        fields('{"k": ' + "[" * 100_000 + "]" * 100_000 + "}")


def test_a_number_beyond_measure_is_refused() -> None:
    """Python refuses integers of over 4,300 digits, and so do we."""
    with pytest.raises(ArtifactError, match="not valid JSON"):
        fields('{"k": ' + "9" * 5000 + "}")


def test_a_lone_surrogate_is_refused() -> None:
    """An escape that is no character would fail later, at printing."""
    with pytest.raises(ArtifactError, match="surrogates not allowed"):
        fields('{"k": "\\ud800"}')


@pytest.mark.parametrize(
    ("text", "shown"), [("[]", "a list"), ("null", "null"), ('"x"', "'x'"), ("3", "3"), ("true", "True")]
)
def test_the_document_must_be_an_object(text: str, shown: str) -> None:
    """A JSON document that isn't an object is refused with what it is."""
    with pytest.raises(ArtifactError, match=f"m.json holds {shown}, expected a JSON object"):
        fields(text)


def test_long_values_are_shortened_in_messages() -> None:
    """A message stays one line whatever the file holds."""
    assert describe("x" * 1000) == "'" + "x" * 56 + "..."
    assert describe("x" * 58) == "'" + "x" * 58 + "'"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"k": 1, "k": 1}', "the key 'k' stands 2 times in one object"),
        ('{"o": [{"a": 1, "b": 2, "a": 3}]}', "the key 'a' stands 2 times in one object"),
        (f'{{"{"x" * 999}": 1, "{"x" * 999}": 2}}', "xxx... stands 2 times"),
        (f'{{"k": {"9" * 400}}}', "an integer of 400 digits, expected 18 at most"),
        (f'{{"k": -{"9" * 5000}}}', "an integer of 5000 digits, expected 18 at most"),
        ('{"k": 1e999}', "'1e999' is too large a number"),
        (f'{{"k": [{{"x": -{"9" * 400}.5}}]}}', "is too large a number"),
        ('{"k": NaN}', "NaN is not a JSON number"),
        (f'{{"k": {"[" * 40}{"]" * 40}}}', "more than 32 lists and objects in one another"),
        (f'{{"k": {"[" * 200_000}{"]" * 200_000}}}', "recursion"),
        ('{"k": "\\ud800"}', "surrogates not allowed"),
    ],
)
def test_what_readers_differ_in_or_fail_on_is_refused(text: str, message: str) -> None:
    """Keys that stand twice, numbers that nothing holds, and nesting that exhausts a stack, wherever they stand."""
    with pytest.raises(ArtifactError) as raised:
        fields(text)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 300


def test_whatever_is_read_can_be_written() -> None:
    """Thirty-two levels and eighteen digits are within the bounds."""
    text = f'{{"k": {"[" * 31}{"9" * 18}{"]" * 31}}}'
    assert json.loads(json.dumps(fields(text).members)) == json.loads(text)
