"""Artifacts that somebody damaged, on purpose or not: refused before any session is made."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.embedder import Embedder
from biolord_onnx.encoding.model import load_tokenizer
from biolord_onnx.errors import ArtifactError
from biolord_onnx.session import session
from unit.runtime.command import run_process
from unit.runtime.tiny_artifact import (
    PAD_ID,
    VOCABULARY,
    edit_manifest,
    tiny_manifest,
    tiny_model,
    tiny_table,
    write_manifest,
    write_tiny_artifact,
)


@pytest.fixture(autouse=True)
def no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make sure that what is refused is refused before onnxruntime sees it."""

    def refuse() -> None:
        pytest.fail("onnxruntime was asked for")

    monkeypatch.setattr(session, "import_onnxruntime", refuse)


def refused(folder: Path, message: str) -> None:
    """Check that an artifact is refused with one line."""
    with pytest.raises(ArtifactError) as raised:
        Embedder.load(folder)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def replace_model(folder: Path, data: bytes) -> None:
    """Put in another graph, with a manifest that vouches for it."""
    (folder / "model.onnx").write_bytes(data)
    write_manifest(folder, tiny_manifest())


FILES = ("NOTICE", "model.onnx", "model.onnx.data", "tokenizer.json")


# --- damage -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("keep", [0, 0.5, 0.99])
def test_a_truncated_file(tiny_copy: Path, name: str, keep: float) -> None:
    """A download that broke off is found by its size."""
    path = tiny_copy / name
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    refused(tiny_copy, f"{path} has {int(len(data) * keep)} bytes, the manifest says {len(data)}")


@pytest.mark.parametrize("name", FILES)
def test_an_altered_file(tiny_copy: Path, name: str) -> None:
    """A changed byte of any file is found by its hash."""
    path = tiny_copy / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x20
    path.write_bytes(data)
    refused(tiny_copy, f"{path} was changed after the export")


@pytest.mark.parametrize("keep", [0, 1, 100, -2])
def test_a_truncated_manifest(tiny_copy: Path, keep: int) -> None:
    """Half a manifest is no manifest."""
    path = tiny_copy / "manifest.json"
    path.write_bytes(path.read_bytes()[:keep])
    refused(tiny_copy, "is not valid JSON")


def test_a_later_format(tiny_copy: Path) -> None:
    """An artifact of a later release asks for an upgrade, whatever its files are."""
    edit_manifest(tiny_copy, "format", value=3)
    edit_manifest(tiny_copy, "files", value={"another": "layout"})
    refused(tiny_copy, "has format 3, this biolord-onnx reads format 2: upgrade")


def test_a_folder_in_a_files_place(tiny_copy: Path) -> None:
    """A folder can't be hashed and is as good as missing."""
    (tiny_copy / "NOTICE").unlink()
    (tiny_copy / "NOTICE").mkdir()
    refused(tiny_copy, "NOTICE is missing")


def test_a_pipe_in_a_files_place(tiny_copy: Path) -> None:
    """A named pipe would block for ever; it isn't opened."""
    (tiny_copy / "NOTICE").unlink()
    os.mkfifo(tiny_copy / "NOTICE")
    refused(tiny_copy, "NOTICE is missing")


@pytest.mark.parametrize("name", ["manifest.json", "model.onnx", "NOTICE"])
def test_an_unreadable_file(tiny_copy: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A file that may not be read is named.

    Tests often run as root, who may read everything: so the call is made to fail.
    """
    opened = Path.open

    def deny(path: Path, *args: object, **options: object) -> object:
        if path.name == name:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *args, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", deny)
    refused(tiny_copy, f"{name} can't be read (Permission denied): check its permissions")


# --- escapes ------------------------------------------------------------------------------------------------

ESCAPES = [
    "../secret",
    "/etc/passwd",
    "a/../../secret",
    "..",
    "",
    ".",
    "C:\\secret",
    "..\\secret",
    "a\0b",
    "x" * 300,
    "-rf",
    ".hidden",
    "a b",
    "a,b",
    "a\nb",
    "naïve",
    "a\x1b[31mb",
]


@pytest.mark.parametrize("name", ESCAPES)
def test_a_file_name_that_leads_out(tiny_copy: Path, name: str) -> None:
    """A manifest may name files of its folder only."""
    edit_manifest(tiny_copy, "files", 0, "name", value=name)
    refused(tiny_copy, "files: 0: name is ")


def test_a_file_name_that_is_no_text(tiny_copy: Path) -> None:
    """A lone surrogate in a name is refused with the manifest."""
    edit_manifest(tiny_copy, "files", 0, "name", value="\ud800")
    refused(tiny_copy, "surrogates not allowed")


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
@pytest.mark.parametrize("absolute", [True, False])
def test_a_link_that_leads_out(tiny_copy: Path, tmp_path: Path, name: str, absolute: bool) -> None:
    """A link out of the folder is refused, though its content has the right hash."""
    secret = tmp_path / "secret"
    (tiny_copy / name).rename(secret)
    (tiny_copy / name).symlink_to(secret if absolute else Path("..") / "secret")
    refused(tiny_copy, f"{tiny_copy / name} is a link to {secret.resolve()}, outside the artifact")


def test_a_link_to_a_similar_folder(tiny_copy: Path) -> None:
    """A neighbor whose name begins like the artifact's is outside, too."""
    neighbor = tiny_copy.with_name(tiny_copy.name + "-other")
    neighbor.mkdir()
    (tiny_copy / "NOTICE").rename(neighbor / "NOTICE")
    (tiny_copy / "NOTICE").symlink_to(neighbor / "NOTICE")
    refused(tiny_copy, "outside the artifact")


def test_links_in_a_circle(tiny_copy: Path) -> None:
    """A loop of links ends in a message."""
    (tiny_copy / "NOTICE").unlink()
    (tiny_copy / "NOTICE").symlink_to("LOOP")
    (tiny_copy / "LOOP").symlink_to("NOTICE")
    refused(tiny_copy, "NOTICE is missing")


@pytest.mark.parametrize("location", [*ESCAPES, "*/_ORT_MEM_ADDR_/*", "unlisted.bin", "manifest.json"])
def test_weights_from_elsewhere(tiny_copy: Path, location: str) -> None:
    """A graph may take weights from files that the manifest lists, not from others, nor from memory."""
    replace_model(tiny_copy, tiny_model(tiny_table(), location=location).SerializeToString())
    with pytest.raises(ArtifactError) as raised:
        Embedder.load(tiny_copy)
    told = str(raised.value)
    assert "\n" not in told
    if location.isprintable():
        shown = repr(location) if len(location) < 50 else "'xxx"
        assert f"takes weights from {shown}" in told
        assert "which the manifest does not list: don't use this artifact" in told
    else:
        assert "or of some that can't be printed" in told


# --- broken bytes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"\xff" * 100, b"PK\x03\x04", b"<html>not found</html>", b"\x3a\xff\xff\xff\xff\x0f"])
def test_a_graph_that_is_no_protobuf(tiny_copy: Path, data: bytes) -> None:
    """What isn't an ONNX file is refused by our own reader."""
    replace_model(tiny_copy, data)
    refused(tiny_copy, "model.onnx is not a readable ONNX file")


def test_deep_nesting(tiny_copy: Path) -> None:
    """Three thousand graphs in one another don't exhaust the stack."""
    data = b""
    for _ in range(3_000):
        for tag in (b"\x32", b"\x2a", b"\x0a"):  # AttributeProto.g, NodeProto.attribute, GraphProto.node
            data = tag + varint(len(data)) + data
    replace_model(tiny_copy, b"\x3a" + varint(len(data)) + data)
    refused(tiny_copy, "field 6 of wire type 2 in AttributeProto, which no export writes")


def test_a_graph_that_hides_behind_a_long_tag(tiny_copy: Path, tmp_path: Path) -> None:
    """Onnxruntime drops a tag's bits above 32 and reads the graph, and with it a file of the machine."""
    (tmp_path / "secret.txt").write_bytes(tiny_table().tobytes())
    whole = tiny_model(tiny_table(), location="../secret.txt")
    graph = whole.graph.SerializeToString()
    whole.ClearField("graph")
    hidden = b"\xba\x80\x80\x80\x10" + varint(len(graph)) + graph
    replace_model(tiny_copy, whole.SerializeToString() + hidden)
    refused(tiny_copy, "field 536870919 of wire type 2 in ModelProto, which no export writes")


def endless(model: onnx.ModelProto) -> None:
    """Add a loop that goes on for ever."""
    more = [onnx.helper.make_tensor_value_info("more", onnx.TensorProto.BOOL, [])]
    body = onnx.helper.make_graph([], "body", more, more)
    model.graph.node.append(onnx.helper.make_node("Loop", ["", ""], [], body=body))


def nested(model: onnx.ModelProto) -> None:
    """Add branches in branches."""
    graph = onnx.GraphProto(name="g")
    for _ in range(12):
        node = onnx.helper.make_node("If", ["x"], [], then_branch=graph, else_branch=graph)
        graph = onnx.GraphProto(node=[node])
    model.graph.node.extend(graph.node)


def calls(model: onnx.ModelProto) -> None:
    """Add a function and a call of it."""
    model.functions.append(onnx.FunctionProto(name="f", domain="own"))
    model.graph.node.append(onnx.helper.make_node("f", [], [], domain="own"))


def foreign(model: onnx.ModelProto) -> None:
    """Add an operator that reads a file."""
    model.graph.node.append(onnx.helper.make_node("EPContext", [], [], domain="com.microsoft"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (endless, "field 6 of wire type 2 in AttributeProto, which no export writes"),
        (nested, "field 6 of wire type 2 in AttributeProto, which no export writes"),
        (calls, "field 25 of wire type 2 in ModelProto, which no export writes"),
        (foreign, "has the operator 'com.microsoft.EPContext', which no export writes"),
    ],
)
def test_a_graph_that_does_more_than_an_encoder(
    tiny_copy: Path, change: Callable[[onnx.ModelProto], None], message: str
) -> None:
    """No loops, branches, functions or operators of elsewhere."""
    model = tiny_model(tiny_table())
    change(model)
    replace_model(tiny_copy, model.SerializeToString())
    refused(tiny_copy, message)


def varint(value: int) -> bytes:
    """Encode a number as protobuf does."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", '"x"', "{}", '{"format": "1"}', '{"format": 1}', "{" * 100_000, '{"format": 1e400}'],
)
def test_a_manifest_that_is_none(tiny_copy: Path, text: str) -> None:
    """Any other JSON, and what isn't JSON, is one line."""
    (tiny_copy / "manifest.json").write_text(text, encoding="utf-8")
    refused(tiny_copy, "manifest.json")


def test_a_manifest_in_utf_16(tiny_copy: Path) -> None:
    """An editor that saved it otherwise is found out."""
    path = tiny_copy / "manifest.json"
    path.write_bytes(path.read_text(encoding="utf-8").encode("utf-16"))
    refused(tiny_copy, "is not UTF-8")


GIGABYTES = 8 << 30
DIGITS = "9" * 400


def replace_member(folder: Path, key: str, text: str) -> None:
    """Write other JSON in the place of a member's value, json's own limits aside."""
    path = folder / "manifest.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    place = document
    *outer, last = key.split(".")
    for step in outer:
        place = place[int(step) if isinstance(place, list) else step]
    place[last] = "HERE"
    path.write_text(json.dumps(document).replace('"HERE"', text), encoding="utf-8")


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("dim", DIGITS, "an integer of 400 digits"),
        ("batch_invariance.bound", DIGITS, "an integer of 400 digits"),
        ("batch_invariance.bound", "1e999", "'1e999' is too large a number"),
        ("batch_invariance.bound", "NaN", "NaN is not a JSON number"),
        ("quantization.error", DIGITS, "an integer of 400 digits"),
        ("quantization.error", "-1e999", "'-1e999' is too large a number"),
        ("fidelity.cosine", "[" * 900 + "]" * 900, "more than 32 lists and objects in one another"),
        ("requires.onnxruntime", json.dumps("1" * 5000), "onnxruntime is '111"),
        ("requires.onnxruntime", json.dumps("1." + "1" * 5000), "onnxruntime is '1.111"),
        ("requires.onnxruntime", json.dumps("1." * 5000 + "1"), "onnxruntime is '1.1.1"),
        ("max_length.value", str(2**31), "value is 2147483648, expected an integer of 65536 or less"),
        ("pad_id", str(2**63), "an integer of 19 digits, expected 18"),
        ("pad_id", str(2**31), "pad_id is 2147483648, expected an integer of 2147483647 or less"),
        ("dim", str(2**40), "dim is 1099511627776, expected an integer of 65536 or less"),
        ("files.0.size", DIGITS, "an integer of 400 digits"),
        ("name", json.dumps("a\nRUN id"), "expected a name of 1 to 128 letters"),
        ("name", json.dumps('"""\nimport os\n"""'), "expected a name of 1 to 128 letters"),
        ("name", json.dumps("-rf"), "name is '-rf', expected a name"),
        ("name", json.dumps("a\x1b[2Jb"), r"name is 'a\x1b[2Jb', expected a name"),
        ("name", json.dumps("x" * 129), "expected a name of 1 to 128 letters"),
        ("target", json.dumps("cpu-fp32\nRequires-Dist: evil"), "target is 'cpu-fp32"),
        ("architecture", json.dumps("../x"), "architecture is '../x', expected a name"),
        ("pooling", json.dumps(""), "pooling is '', expected modes of 1 to 128 letters"),
        ("license", json.dumps("x" * 100_000), "license is a string of 100000 characters, expected 4096 at most"),
        ("source.id", json.dumps("x" * 100_000), "id is a string of 100000 characters, expected 4096 at most"),
        ("tools.biolord-onnx", json.dumps("x" * 100_000), "onnx is a string of 100000 characters"),
        ("requires.cpu_any_of", json.dumps(["x" * 100_000]), "0 is a string of 100000 characters"),
    ],
)
def test_a_manifest_with_absurd_values(tiny_copy: Path, key: str, text: str, message: str) -> None:
    """Numbers, names and texts have bounds, checked when the manifest is read."""
    replace_member(tiny_copy, key, text)
    refused(tiny_copy, message)


def test_a_key_that_stands_twice(tiny_copy: Path) -> None:
    """Readers differ in which one counts."""
    path = tiny_copy / "manifest.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"dim":', '"dim": 3, "dim":', 1), encoding="utf-8")
    refused(tiny_copy, "the key 'dim' stands 2 times in one object")


def test_a_manifest_of_thousands_of_files(tiny_copy: Path) -> None:
    """Each is looked at, and an artifact has seven."""
    document = json.loads((tiny_copy / "manifest.json").read_text(encoding="utf-8"))
    document["files"] += [dict(document["files"][0], name=f"file{number}") for number in range(5_000)]
    (tiny_copy / "manifest.json").write_text(json.dumps(document), encoding="utf-8")
    refused(tiny_copy, "files lists 5004, expected 64 at most")


def test_names_that_differ_in_capitals(tiny_copy: Path) -> None:
    """On some systems they are one file."""
    document = json.loads((tiny_copy / "manifest.json").read_text(encoding="utf-8"))
    document["files"].append(dict(document["files"][0], name=document["files"][0]["name"].lower()))
    (tiny_copy / "manifest.json").write_text(json.dumps(document), encoding="utf-8")
    refused(tiny_copy, "files lists 'notice' 2 times, expected once")


@pytest.mark.parametrize("name", ["manifest.json", "model.onnx", "tokenizer.json"])
def test_files_of_gigabytes(tiny_copy: Path, name: str) -> None:
    """Sparse files take no room on a disk, and none in memory: they are refused by their size."""
    os.truncate(tiny_copy / name, GIGABYTES)
    if name != "manifest.json":
        document = json.loads((tiny_copy / "manifest.json").read_text(encoding="utf-8"))
        (entry,) = [entry for entry in document["files"] if entry["name"] == name]
        entry["size"] = GIGABYTES
        (tiny_copy / "manifest.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ArtifactError, match=rf"{name} has {GIGABYTES} bytes, expected \d+ at most"):
        load_tokenizer(open_artifact(tiny_copy, verify_hashes=False))  # hashing takes a while for gigabytes


# --- parts that don't fit each other ------------------------------------------------------------------------


def test_a_limit_beyond_the_positions(tmp_path: Path) -> None:
    """A longer text would reach past the table of positions."""
    folder = write_tiny_artifact(tmp_path / "tiny")
    model = tiny_model(tiny_table())
    model.graph.initializer.append(numpy_helper.from_array(np.zeros((18, 2), np.float32), "positions"))
    replace_model(folder, model.SerializeToString())
    open_artifact(folder)
    edit_manifest(folder, "max_length", "value", value=17)
    refused(folder, "max_length is 17, the graph has positions for 16 tokens")


@pytest.mark.parametrize(("pad", "rows"), [(PAD_ID, len(VOCABULARY) - 1), (len(VOCABULARY), len(VOCABULARY))])
def test_ids_beyond_the_table_of_tokens(tmp_path: Path, pad: int, rows: int) -> None:
    """A token, or the padding, without a vector."""
    folder = write_tiny_artifact(tmp_path / "tiny")
    model = tiny_model(tiny_table())
    model.graph.initializer.append(numpy_helper.from_array(np.zeros((rows, 1), np.float32), "tokens"))
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    write_manifest(folder, replace(tiny_manifest(), pad_id=pad))
    with pytest.raises(
        ArtifactError, match=rf"has ids up to \d+ and the manifest pads with {pad}, the graph has {rows}"
    ):
        load_tokenizer(open_artifact(folder))


# --- as users meet them -------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["embed", "info", "similar"])
def test_every_command_refuses(tiny_copy: Path, command: str) -> None:
    """As a process: exit 2, an empty stdout, one line without a traceback."""
    path = tiny_copy / "model.onnx.data"
    path.write_bytes(bytes(path.stat().st_size))
    more = {"embed": ["cat"], "info": [], "similar": ["cat", "--input", str(tiny_copy / "NOTICE")]}[command]
    run_process(command, tiny_copy, *more).assert_error("model.onnx.data was changed after the export")


def test_a_manifest_swapped_with_its_files(tiny_copy: Path) -> None:
    """Hashes protect against damage; who can rewrite the manifest, too, still can't reach other files."""
    secret = tiny_copy.parent / "secret.bin"
    secret.write_bytes(tiny_table().tobytes())
    document = json.loads((tiny_copy / "manifest.json").read_text(encoding="utf-8"))
    digest = hashlib.sha256(secret.read_bytes()).hexdigest()
    document["files"].append({"name": "../secret.bin", "sha256": digest, "size": secret.stat().st_size})
    (tiny_copy / "manifest.json").write_text(json.dumps(document), encoding="utf-8")
    refused(tiny_copy, "name is '../secret.bin', expected a name of 1 to 128 letters, digits, dots")
