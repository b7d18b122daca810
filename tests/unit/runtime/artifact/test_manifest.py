"""The manifest."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest

from biolord_onnx.artifact.json_fields import JSON
from biolord_onnx.artifact.manifest import FileEntry, Golden, Manifest, Requirements
from biolord_onnx.errors import ArtifactError
from unit.runtime.tiny_artifact import tiny_manifest

ENTRY = FileEntry("model.onnx", "a" * 64, 10)
REQUIRED = Requirements("1.20", ("avx_vnni", "asimddp"), {"biolord": 1})


def document(manifest: Manifest | None = None) -> dict[str, JSON]:
    """Return a valid manifest as plain JSON values."""
    members: dict[str, JSON] = json.loads((manifest or replace(tiny_manifest(), files=(ENTRY,))).to_json())
    return members


def read(members: dict[str, JSON]) -> Manifest:
    """Read a manifest from plain JSON values."""
    return Manifest.from_json(json.dumps(members), "m.json")


def test_written_and_read_it_is_the_same() -> None:
    """A manifest survives its file."""
    manifest = replace(tiny_manifest(), files=(ENTRY,), requires=REQUIRED, golden=Golden(("cat", "dog"), "a" * 64))
    assert Manifest.from_json(manifest.to_json()) == manifest


def test_the_file_begins_with_the_format() -> None:
    """Whoever opens the file sees first which format it has."""
    text = tiny_manifest().to_json()
    assert text.startswith('{\n  "format": 2,')
    assert text.endswith("}\n")


OPTIONAL = {"pairs", "prompts", "reranking", "truncation_side", "whole_dim"}
"""Keys that artifacts may lack which need nothing of them."""


def test_the_file_holds_the_specified_keys() -> None:
    """The top-level keys are those of format 2, no more and no fewer."""
    identity = {"format", "name", "target", "architecture", "source", "created", "tools", "license", "files"}
    vectors = {"dim", "max_length", "pooling", "normalized", "pad_id"}
    quality = {"quantization", "fidelity", "batch_invariance", "requires", "golden", "notes"}
    assert set(document()) == identity | vectors | quality | OPTIONAL


def test_unknown_keys_are_ignored() -> None:
    """A later writer of the same format may add keys."""
    members = document()
    assert read({**members, "color": "blue"}) == read(members)


def test_what_was_not_measured_is_none() -> None:
    """The fidelity report and the revision may be null."""
    members = document()
    members["fidelity"] = None
    manifest = read(members)
    assert manifest.fidelity is None
    assert manifest.source.revision is None


@pytest.mark.parametrize("key", sorted(set(document()) - OPTIONAL - {"format"}))
def test_a_missing_key_is_named(key: str) -> None:
    """Every key is needed, and the message says which one is missing."""
    members = document()
    del members[key]
    with pytest.raises(ArtifactError, match=rf"^m\.json: the key {key} is missing$"):
        read(members)


@pytest.mark.parametrize("key", sorted(set(document()) - {"format", "pairs", "reranking"}))
def test_a_wrong_type_is_named(key: str) -> None:
    """No key takes a list of null."""
    with pytest.raises(ArtifactError, match=rf"^m\.json: {key}"):
        read({**document(), key: [None]})


def test_the_manifest_of_something_else_is_refused() -> None:
    """Whatever its format is: the remedy would be another one."""
    with pytest.raises(ArtifactError, match=r"^m\.json belongs to a biolord index: give an artifact, "):
        read({**document(), "kind": "biolord index"})
    with pytest.raises(ArtifactError, match=r"^m\.json: kind"):
        read({**document(), "kind": "x" * 65})


def test_format_1_is_refused() -> None:
    """Nothing was released with it."""
    with pytest.raises(ArtifactError, match="has format 1, this biolord-onnx reads format 2: export it again"):
        read({"format": 1})


@pytest.mark.parametrize("version", [3, 10**6])
def test_a_later_format_is_refused(version: int) -> None:
    """The message says both formats and how to upgrade, whatever else the file holds."""
    with pytest.raises(ArtifactError) as raised:
        read({"format": version})
    assert str(raised.value) == (
        f"m.json: the artifact has format {version}, this biolord-onnx reads format 2: "
        "upgrade with pip install -U biolord-onnx"
    )


@pytest.mark.parametrize("version", [0, -1, "2", 2.0, True, None])
def test_a_strange_format_is_refused(version: JSON) -> None:
    """Only the whole number 2 is format 2."""
    with pytest.raises(ArtifactError, match="format is"):
        read({**document(), "format": version})


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("dim", 0, "dim is 0, expected an integer of 1 or more"),
        ("pad_id", -1, "pad_id is -1, expected an integer of 0 or more"),
        (
            "max_length",
            {"value": 0, "source": ""},
            "max_length: value is 0, expected an integer of 1 or more",
        ),
        ("batch_invariance", {"bound": -1, "reason": ""}, "batch_invariance: bound is -1, expected a number"),
        (
            "requires",
            {"onnxruntime": "new", "cpu_any_of": []},
            "requires: onnxruntime is 'new', expected a version",
        ),
        (
            "requires",
            {"onnxruntime": "1.20", "cpu_any_of": [], "operators": {"biolord": 0}},
            "requires: operators: biolord is 0, expected an integer of 1 or more",
        ),
        ("golden", {"texts": [], "sha256": "b" * 64}, "golden: texts lists 0, expected 1 to 64"),
        ("golden", {"texts": ["cat"], "sha256": "B" * 64}, "golden: sha256 is 'BBB"),
        (
            "requires",
            {"onnxruntime": "1.20", "cpu_any_of": [1], "operators": {}},
            "requires: cpu_any_of: 0 is 1, expected a string",
        ),
        ("tools", {"onnx": 1}, "tools: onnx is 1, expected a string"),
        ("files", [{"name": "a", "sha256": "b" * 63, "size": 0}], "files: 0: sha256 is 'bbb"),
        (
            "files",
            [{"name": "a", "sha256": "B" * 64, "size": 0}],
            "expected 64 hexadecimal digits in lower case",
        ),
        (
            "files",
            [{"name": "a", "sha256": "b" * 64, "size": -1}],
            "files: 0: size is -1, expected an integer of 0",
        ),
    ],
)
def test_values_out_of_range_are_refused(key: str, value: JSON, message: str) -> None:
    """A value of the right type but out of range is refused with its key, too."""
    with pytest.raises(ArtifactError) as raised:
        read({**document(), key: value})
    assert message in str(raised.value)


def test_a_file_listed_twice_is_refused() -> None:
    """Two hashes for one file would leave open which one counts."""
    entry: JSON = {"name": "a", "sha256": "b" * 64, "size": 0}
    with pytest.raises(ArtifactError, match=r"files lists 'a' 2 times, expected once"):
        read({**document(), "files": [entry, entry]})


def test_files_are_found_by_name() -> None:
    """`file` returns the entry of a name, or None."""
    manifest = replace(tiny_manifest(), files=(ENTRY,))
    assert manifest.file("model.onnx") == ENTRY
    assert manifest.file("other") is None


def test_it_can_not_be_changed() -> None:
    """A manifest is a record."""
    with pytest.raises(FrozenInstanceError):
        tiny_manifest().dim = 3  # type: ignore[misc]


def test_not_a_number_is_not_written() -> None:
    """A measurement that failed can't hide in the file as NaN."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        replace(tiny_manifest(), quantization={"error": float("nan")}).to_json()


def test_the_path_is_named_in_messages(tmp_path: Path) -> None:
    """Messages begin with the file that was read."""
    with pytest.raises(ArtifactError, match=f"^{tmp_path}"):
        Manifest.from_json("[]", tmp_path)
