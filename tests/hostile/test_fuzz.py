"""Two hundred thousand damaged graphs, manifests, tokenizers and folders: each is read whole or refused in a line.

The judge of graphs is onnx's own parser: what this project's reader lets pass, it finds to be the same, with nothing
beside. Each case follows from its seed and number, which a failure tells; seeds that found something stay. The fast
tier, which measures coverage, takes the first few of them.
"""

from __future__ import annotations

import builtins
import contextlib
import hashlib
import io
import json
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import onnx
import onnxruntime
import pytest
from _pytest.mark import ParameterSet
from google.protobuf.message import DecodeError

from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.artifact.manifest import Manifest
from biolord_onnx.artifact.ranges import Ranges, ranges_to_json, read_ranges
from biolord_onnx.encoding.model import load_tokenizer
from biolord_onnx.errors import ArtifactError
from biolord_onnx.graph.check import check_graph
from biolord_onnx.graph.file import Graph, read_graph
from biolord_onnx.tokenizer.pieces import PiecesHeader, read_pieces, write_pieces
from biolord_onnx.tokenizer.tokenizer import Tokenizer
from hostile.fuzzing import cases, mutate_bytes, mutate_graph, mutate_json
from tiny.tokenizer import build_tokenizer
from unit.export.fixtures import Exported
from unit.runtime.tiny_artifact import DIM, tiny_manifest, tiny_model, tiny_table, write_manifest, write_tiny_artifact

pytestmark = pytest.mark.usefixtures("coverage_paused")
TINY = tiny_model(tiny_table()).SerializeToString(deterministic=True)
SIZES = {"model.onnx.data": tiny_table().nbytes}


def first_and_all(*seeds: int, few: int, count: int) -> list[ParameterSet]:
    """Have a test run with some cases of its first seed, and in the slow tier with all cases of all seeds."""
    whole = [pytest.param(seed, count, marks=pytest.mark.real) for seed in seeds]
    return [pytest.param(seeds[0], few), *whole]


def refusal(read: Callable[[], object], case: str) -> str | None:
    """Try to read something; return why it was refused, in one line of some length."""
    try:
        read()
    except ArtifactError as error:
        refused = error
    except BaseException as error:  # a traceback is the very thing that is looked for
        raise AssertionError(f"{case}: {error!r}") from error
    else:
        return None
    told = str(refused)
    assert "\n" not in told, case
    assert len(told) < 2000, case
    assert type(refused.__cause__).__name__ != "PanicException", f"{case}: the library panicked: {told}"
    return told


# --- graphs -------------------------------------------------------------------------------------------------


def by_judge(data: bytes, case: str) -> Graph:
    """Read a model with onnx's parser, to the same facts."""
    try:
        model = onnx.ModelProto.FromString(data)
    except DecodeError as error:
        raise AssertionError(f"{case}: onnx refuses what was let pass") from error
    assert model.ByteSize() == len(data), f"{case}: onnx would write it otherwise"
    hiding = (model.functions, model.training_info, model.graph.sparse_initializer)
    assert not any(map(len, hiding)), case
    attributes = [attribute for node in model.graph.node for attribute in node.attribute]
    assert not any(each.HasField("t") or each.HasField("g") or each.graphs or each.tensors for each in attributes), case
    return read_graph(model.SerializeToString(deterministic=True))


def judged(data: bytes, case: str) -> bool:
    """Hold the reader against the judge; return whether the graph may run."""
    found: list[Graph] = []
    if refusal(lambda: found.append(read_graph(data)), case) is not None:
        return False
    expected = by_judge(data, case)
    assert found == [expected], case
    model = onnx.ModelProto.FromString(data)
    locations = {e.value for t in model.graph.initializer for e in t.external_data if e.key == "location"}
    if refusal(lambda: check_graph(found[0], "model.onnx", SIZES), case) is not None:
        return False
    assert locations <= SIZES.keys(), f"{case}: reads {locations}"
    return True


@pytest.mark.parametrize(("seed", "count"), first_and_all(1, 2, few=1_500, count=38_000))
def test_damaged_graphs(tmp_path: Path, seed: int, count: int) -> None:
    """Of a tiny graph; some of those that pass are run, which crashes nothing and reads no other file."""
    (tmp_path / "model.onnx.data").write_bytes(tiny_table().tobytes())
    passed = 0
    for case, chance in cases(seed, count):
        data = (mutate_graph if chance.random() < 0.7 else mutate_bytes)(TINY, chance)
        if not judged(data, case):
            continue
        passed += 1
        if passed % 50 == 0:
            run_graph(tmp_path, data)
    assert passed > count // 38


def run_graph(folder: Path, data: bytes) -> None:
    """Let onnxruntime load a graph that passed; it may refuse."""
    (folder / "model.onnx").write_bytes(data)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    with contextlib.suppress(Exception):
        onnxruntime.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("target", ["cpu-int8", "cuda-fp16"])
@pytest.mark.parametrize(("seed", "count"), first_and_all(3, few=50, count=1_000))
def test_damaged_graphs_of_exports(
    exported: Callable[[str, str], Exported], target: str, seed: int, count: int
) -> None:
    """The same of whole graphs, as exports write them."""
    data = (exported("bert", target).path / "model.onnx").read_bytes()
    for case, chance in cases(seed, count):
        judged((mutate_graph if chance.random() < 0.5 else mutate_bytes)(data, chance), case)


# --- JSON ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seed", "count"), first_and_all(4, few=4_000, count=105_000))
def test_damaged_manifests(seed: int, count: int) -> None:
    """Whatever is let pass can be written again, and says the same."""
    text = tiny_manifest().to_json()
    passed = 0
    for case, chance in cases(seed, count):
        damaged = mutate_json(text, chance)
        found: list[Manifest] = []
        if refusal(lambda: found.append(Manifest.from_json(damaged)), case) is None:  # noqa: B023 - called at once
            passed += 1
            assert Manifest.from_json(found[0].to_json()) == found[0], case
    assert passed > 100


@pytest.mark.parametrize("architecture", ["bert", "xlm-roberta"])
@pytest.mark.parametrize(("seed", "count"), first_and_all(5, few=1_000, count=7_000))
def test_damaged_tokenizers(architecture: str, seed: int, count: int) -> None:
    """None panics, and each that loads gives the same ids twice."""
    tokenizer = build_tokenizer(architecture)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    text = smaller(tokenizer.to_str())
    passed = 0
    for case, chance in cases(seed, count):
        damaged = mutate_json(text, chance)
        if refusal(lambda: use_tokenizer(damaged), case) is None:  # noqa: B023 - called at once
            passed += 1
    assert passed > count // 70


def smaller(text: str) -> str:
    """Keep a part of a vocabulary: what it is made of matters, not how much."""
    values = json.loads(text)
    vocabulary = values["model"]["vocab"]
    if isinstance(vocabulary, list):
        values["model"]["vocab"] = vocabulary[:60]
        values["added_tokens"] = values["added_tokens"][:4]
    else:
        values["model"]["vocab"] = {token: number for token, number in vocabulary.items() if number < 60}
    return json.dumps(values)


def use_tokenizer(text: str) -> None:
    """Load a tokenizer and cut texts with it, twice."""
    tokenizer = Tokenizer.from_json(text)
    texts = ["a", "", "Cat scratch", "e\u0301 ﷺ 汉字", "<s> [CLS] <mask>", "a" * 300]
    first = tokenizer.tokenize(texts, 64).ids
    assert tokenizer.tokenize(texts, 64).ids == first


# --- folders ------------------------------------------------------------------------------------------------


@dataclass
class Watch:
    """Notes files that Python opens outside of a folder while it is on."""

    folder: Path
    on: bool = False
    strays: list[str] = field(default_factory=list)

    def note(self, opened: object) -> None:
        """Take what is about to be opened."""
        if self.on and isinstance(opened, str | bytes | os.PathLike):
            path = os.path.realpath(os.fsdecode(opened))
            if not path.startswith(str(self.folder)) and not path.endswith((".py", ".pyc", ".so")):
                self.strays.append(path)

    def before(self, function: Callable[..., object]) -> Callable[..., object]:
        """Return a function that notes its first argument."""

        def watched(opened: object, *rest: object, **named: object) -> object:
            self.note(opened)
            return function(opened, *rest, **named)

        return watched


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Give a watch over the ways to open a file.

    Not by an audit hook, which stays for the life of the process: in Python 3.11, one that is written in Python lets a
    thread switch come while a trace function is set, and threads that begin just then die of it.
    """
    found = Watch(tmp_path.resolve() / "artifact")
    for module, name in ((builtins, "open"), (io, "open"), (os, "open")):
        monkeypatch.setattr(module, name, found.before(getattr(module, name)))
    return found


def test_a_stray_is_noted(watch: Watch, tmp_path: Path) -> None:
    """However it is opened; a file of the folder is none."""
    stray, own = tmp_path / "secret", watch.folder / "own"
    watch.folder.mkdir()
    for path in (stray, own):
        path.write_bytes(b"x")
    watch.on = True
    for path in (stray, own):
        path.read_bytes()
        with open(path, "rb"):  # noqa: PTH123 - one of the ways
            pass
        os.close(os.open(path, os.O_RDONLY))
    assert watch.strays == [str(stray.resolve())] * 3


def write_artifact(folder: Path) -> dict[str, bytes]:
    """Write a whole artifact, with ranges and with a table of pieces; return its files."""
    write_tiny_artifact(folder)
    ends = Ranges((0.0,) * DIM, (1.0,) * DIM)
    (folder / "ranges.json").write_text(ranges_to_json({"unit_embedding": ends}), encoding="utf-8")
    write_manifest(folder, tiny_manifest())
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def damage(folder: Path, files: dict[str, bytes], chance: random.Random) -> str:
    """Damage one file, vouched for by the manifest or not; return its name."""
    name = chance.choice(sorted(files))
    path = folder / name
    match chance.randrange(8):
        case 0:
            path.unlink()
        case 1:
            path.unlink()
            path.symlink_to(chance.choice(("../secret", "/etc/passwd", name, "NOTICE", "/dev/zero")))
        case 2:
            path.unlink()
            path.mkdir()
        case _:
            data = files[name]
            path.write_bytes(
                mutate_json(data.decode(), chance).encode() if b"{" in data[:2] else mutate_bytes(data, chance)
            )
            if name != "manifest.json" and chance.random() < 0.8:
                vouch(folder, files)
    return name


def vouch(folder: Path, files: dict[str, bytes]) -> None:
    """Write a manifest that has the hashes and sizes of the files as they are."""
    document = json.loads(files["manifest.json"])
    for entry in document["files"]:
        data = (folder / entry["name"]).read_bytes()
        entry |= {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    (folder / "manifest.json").write_text(json.dumps(document), encoding="utf-8")


def restore(folder: Path, files: dict[str, bytes], name: str) -> None:
    """Put a file and the manifest back."""
    for each in {name, "manifest.json"}:
        path = folder / each
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.write_bytes(files[each])


@pytest.mark.parametrize(("seed", "count"), first_and_all(6, few=400, count=3_000))
def test_damaged_folders(tmp_path: Path, watch: Watch, seed: int, count: int) -> None:
    """Opened as `Embedder.load` does, the session aside: no traceback, no file outside the folder."""
    folder = watch.folder
    files = write_artifact(folder)
    (tmp_path / "secret").write_bytes(tiny_table().tobytes())

    def use() -> None:
        load_tokenizer(open_artifact(folder))
        read_ranges(folder / "ranges.json", "unit_embedding", DIM)

    assert refusal(use, "whole") is None
    for case, chance in cases(seed, count):
        name = damage(folder, files, chance)
        watch.on = True
        refusal(use, case)
        watch.on = False
        assert not watch.strays, f"{case}: reads {watch.strays}"
        restore(folder, files, name)


@pytest.mark.parametrize(("seed", "count"), first_and_all(7, few=1_000, count=4_000))
def test_damaged_tables_of_pieces(tmp_path: Path, seed: int, count: int) -> None:
    """Whatever is let pass is searched to an end, inside the file."""
    path = tmp_path / "pieces.bin"
    pieces = [(piece.encode(), -1.0) for piece in ("<unk>", "▁a", "b", "ab", "汉", "▁")]
    described = PiecesHeader(
        pieces=len(pieces),
        text_bytes=sum(len(piece) for piece, _ in pieces),
        longest=5,
        unknown=0,
        prefix=(1,),
        suffix=(2,),
        reserved=("<unk>",),
        frame="{}",
        score_bytes=4,
    )
    write_pieces(path, described, pieces)
    data = path.read_bytes()
    for case, chance in cases(seed, count):
        path.unlink()
        path.write_bytes(mutate_bytes(data, chance))
        refusal(lambda: search(path), case)


def search(path: Path) -> None:
    """Look pieces up that are there, and that aren't."""
    pieces = read_pieces(path)
    for piece in (b"ab", b"b", b"none", "汉".encode(), b""):
        assert -1 <= pieces.find(piece) < pieces.header.pieces
