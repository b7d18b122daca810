"""Artefacts that somebody damaged, on purpose or not: refused before any session is made."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from biolord_onnx import session
from biolord_onnx.embedder import Embedder
from biolord_onnx.errors import ArtifactError
from unit.runtime.command import run_process
from unit.runtime.tiny_artifact import (
    edit_manifest,
    tiny_manifest,
    tiny_model,
    tiny_table,
    write_manifest,
)


@pytest.fixture(autouse=True)
def no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make sure that what is refused is refused before onnxruntime sees it."""

    def refuse() -> None:
        pytest.fail("onnxruntime was asked for")

    monkeypatch.setattr(session, "import_onnxruntime", refuse)


def refused(folder: Path, message: str) -> None:
    """Check that an artefact is refused with one line."""
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
    """An artefact of a later release asks for an upgrade, whatever its files are."""
    edit_manifest(tiny_copy, "format", value=2)
    edit_manifest(tiny_copy, "files", value={"another": "layout"})
    refused(tiny_copy, "has format 2, this biolord-onnx reads format 1: upgrade")


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
]


@pytest.mark.parametrize("name", ESCAPES)
def test_a_file_name_that_leads_out(tiny_copy: Path, name: str) -> None:
    """A manifest may name files of its folder only."""
    edit_manifest(tiny_copy, "files", 0, "name", value=name)
    refused(tiny_copy, f"{name!r} is not a plain file name")


def test_a_file_name_that_is_no_text(tiny_copy: Path) -> None:
    """A lone surrogate in a name is refused with the manifest."""
    edit_manifest(tiny_copy, "files", 0, "name", value="\ud800")
    refused(tiny_copy, "surrogates not allowed")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("absolute", [True, False])
def test_a_link_that_leads_out(tiny_copy: Path, tmp_path: Path, name: str, absolute: bool) -> None:
    """A link out of the folder is refused, though its content has the right hash."""
    secret = tmp_path / "secret"
    (tiny_copy / name).rename(secret)
    (tiny_copy / name).symlink_to(secret if absolute else Path("..") / "secret")
    refused(tiny_copy, f"{tiny_copy / name} is a link to {secret.resolve()}, outside the artefact")


def test_a_link_to_a_similar_folder(tiny_copy: Path) -> None:
    """A neighbour whose name begins like the artefact's is outside, too."""
    neighbour = tiny_copy.with_name(tiny_copy.name + "-other")
    neighbour.mkdir()
    (tiny_copy / "NOTICE").rename(neighbour / "NOTICE")
    (tiny_copy / "NOTICE").symlink_to(neighbour / "NOTICE")
    refused(tiny_copy, "outside the artefact")


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
    refused(
        tiny_copy,
        f"takes weights from {location!r}, which the manifest does not list: don't use this artefact",
    )


def constant(location: str) -> onnx.NodeProto:
    """Build a node whose attribute takes its numbers from a file."""
    tensor = numpy_helper.from_array(np.zeros(2, dtype=np.float32), "t")
    onnx.external_data_helper.set_external_data(tensor, location)
    return onnx.helper.make_node("Constant", [], ["c"], value=tensor)


def hide_in_node(model: onnx.ModelProto) -> None:
    """Hide a location in a node."""
    model.graph.node.append(constant("/etc/passwd"))


def hide_in_subgraph(model: onnx.ModelProto) -> None:
    """Hide a location in a branch in a branch."""
    inner = onnx.helper.make_node("If", [], [], then_branch=onnx.GraphProto(node=[constant("/etc/passwd")]))
    outer = onnx.helper.make_node("If", [], [], else_branch=onnx.GraphProto(node=[inner]))
    model.graph.node.append(outer)


def hide_in_function(model: onnx.ModelProto) -> None:
    """Hide a location in a function."""
    model.functions.append(onnx.FunctionProto(name="f", node=[constant("/etc/passwd")]))


def hide_in_sparse(model: onnx.ModelProto) -> None:
    """Hide a location in a sparse initialiser's indices."""
    tensor = constant("/etc/passwd").attribute[0].t
    model.graph.sparse_initializer.append(onnx.SparseTensorProto(indices=tensor))


@pytest.mark.parametrize("hide", [hide_in_node, hide_in_subgraph, hide_in_function, hide_in_sparse])
def test_weights_from_elsewhere_in_hiding(tiny_copy: Path, hide: Callable[[onnx.ModelProto], None]) -> None:
    """A location is found wherever a tensor may stand."""
    model = tiny_model(tiny_table())
    hide(model)
    replace_model(tiny_copy, model.SerializeToString())
    refused(tiny_copy, "takes weights from '/etc/passwd'")


# --- broken bytes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"\xff" * 100, b"PK\x03\x04", b"<html>not found</html>", b"\x3a\xff\xff\xff\xff\x0f"])
def test_a_graph_that_is_no_protobuf(tiny_copy: Path, data: bytes) -> None:
    """What isn't an ONNX file is refused by our own reader."""
    replace_model(tiny_copy, data)
    refused(tiny_copy, "model.onnx is not a readable ONNX file")


def test_deep_nesting(tiny_copy: Path) -> None:
    """Three thousand graphs in one another don't exhaust the stack, nor do they hide a location."""
    data = onnx.GraphProto(node=[constant("/etc/passwd")]).SerializeToString()
    for _ in range(3_000):
        for tag in (b"\x32", b"\x2a", b"\x0a"):  # AttributeProto.g, NodeProto.attribute, GraphProto.node
            data = tag + varint(len(data)) + data
    replace_model(tiny_copy, b"\x3a" + varint(len(data)) + data)
    refused(tiny_copy, "takes weights from '/etc/passwd'")


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
    refused(tiny_copy, "'../secret.bin' is not a plain file name")
