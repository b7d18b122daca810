"""Checkpoints that can't be converted: each is refused in one line that names the file and what would work."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from biolord_export.checkpoint.architectures import READERS
from tiny.checkpoint import write_checkpoint
from unit.export.editing import Tensors, edit_json, edit_tensors
from unit.export.places import Place

WEIGHTS = "model.safetensors"
TARGETS = ("cpu-int8", "cpu-fp32")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Give an empty folder to export into."""
    (tmp_path / "place").mkdir()
    return Place(tmp_path / "place")


@pytest.fixture(params=["mpnet", "bert"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Give a whole checkpoint to damage, of each architecture."""
    return write_checkpoint(tmp_path / "model", architecture=request.param)


def test_an_empty_folder(place: Place, tmp_path: Path) -> None:
    """The first file that is missed is config.json."""
    (tmp_path / "empty").mkdir()
    message = f"{tmp_path / 'empty' / 'config.json'} is missing: give a sentence-transformers folder"
    place.assert_refused(tmp_path / "empty", message=message)


def test_an_artifact_is_no_checkpoint(place: Place, tiny_mpnet: Path) -> None:
    """Exporting what was exported is a natural slip."""
    assert place.export(tiny_mpnet, "--target", "cpu-fp32").code == 0
    artifact = place.out.rename(place.folder / "first")
    place.assert_refused(artifact, message=f"{artifact / 'config.json'} is missing")


def test_a_repository_of_source_code(place: Place, tmp_path: Path) -> None:
    """A folder with a config.json of something else."""
    (tmp_path / "config.json").write_text('{"name": "my app"}', encoding="utf-8")
    place.assert_refused(tmp_path, message=f"{tmp_path / 'config.json'}: ")


@pytest.mark.parametrize("kind", ["albert", "gpt2", "t5", "", "MPNet"])
def test_an_unknown_architecture(place: Place, model: Path, kind: str) -> None:
    """The one found and those that can be converted are named."""
    edit_json(model / "config.json", model_type=kind)
    message = f"{model / 'config.json'}: model_type is {kind!r}, the exporter knows {', '.join(sorted(READERS))}"
    place.assert_refused(model, message=message)


def test_the_other_architectures_weights(place: Place, model: Path) -> None:
    """A config.json that doesn't belong to the weights is found by a tensor that is missing or misshapen."""
    other = {"mpnet": "bert", "bert": "mpnet"}[
        json.loads((model / "config.json").read_text(encoding="utf-8"))["model_type"]
    ]
    edit_json(model / "config.json", model_type=other, type_vocab_size=2, relative_attention_num_buckets=32)
    place.assert_refused(model, message=f"{model / WEIGHTS} has no tensor ")


def test_a_missing_tokenizer(place: Place, tmp_path: Path) -> None:
    """No file is left that one could be built from."""
    model = write_checkpoint(tmp_path / "model", tokenizer=False)
    (model / "vocab.txt").unlink()
    place.assert_refused(model, message=f"{model / 'tokenizer.json'} is missing, and there is no other file")


def test_a_decoder(place: Place, model: Path) -> None:
    """Its attention looks one way only."""
    edit_json(model / "config.json", is_decoder=True)
    place.assert_refused(model, message=f"{model / 'config.json'}: is_decoder is True")


class Bomb:
    """An object whose pickle makes a folder when it is loaded."""

    def __init__(self, path: Path) -> None:
        """Remember which."""
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        """Return what unpickling calls."""
        return os.mkdir, (str(self.path),)


def test_only_a_pickle(place: Place, model: Path, tmp_path: Path) -> None:
    """Without torch it is never loaded, whatever it would do."""
    (model / WEIGHTS).unlink()
    (model / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
    place.assert_refused(model, message="weights only in pytorch_model.bin, a pickle, which only torch loads safely")
    assert not (tmp_path / "ran").exists()


def test_a_pickle_in_the_place_of_safetensors(place: Place, model: Path, tmp_path: Path) -> None:
    """A renamed one isn't loaded either."""
    (model / WEIGHTS).write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
    place.assert_refused(model, message=f"{model / WEIGHTS} is not a readable safetensors file")
    assert not (tmp_path / "ran").exists()


def test_a_pickle_in_the_place_of_json(place: Place, model: Path, tmp_path: Path) -> None:
    """Nor one that calls itself a configuration."""
    (model / "config.json").write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
    place.assert_refused(model, message=f"{model / 'config.json'} is not readable JSON")
    assert not (tmp_path / "ran").exists()


HEADER = struct.Struct("<Q")
Damage = Callable[[bytes], bytes]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda content: content[:5], id="cut in the header's length"),
        pytest.param(lambda content: content[:100], id="cut in the header"),
        pytest.param(lambda content: content[:-1], id="cut at the end"),
        pytest.param(lambda content: content[: len(content) // 2], id="half"),
        pytest.param(lambda content: content + b"\0", id="a byte too many"),
        pytest.param(lambda content: HEADER.pack(2**62) + content[8:], id="huge header"),
        pytest.param(lambda content: HEADER.pack(0) + content[8:], id="no header"),
        pytest.param(lambda content: content[:8] + b"[" + content[9:], id="header no object"),
        pytest.param(lambda content: content.replace(b'"F32"', b'"F99"', 1), id="unknown type"),
        pytest.param(lambda _: b"version https://git-lfs.github.com/spec/v1\n", id="pointer of git-lfs"),
    ],
)
def test_corrupt_safetensors(place: Place, tiny_mpnet: Path, tmp_path: Path, damage: Damage, target: str) -> None:
    """Interrupted downloads and clones without git-lfs, before anything is computed."""
    model = shutil.copytree(tiny_mpnet, tmp_path / "model")
    (model / WEIGHTS).write_bytes(damage((model / WEIGHTS).read_bytes()))
    place.assert_refused(model, "--target", target, message=f"{model / WEIGHTS} is not a readable safetensors file")


Change = Callable[[Tensors], object]
TABLE = "embeddings.word_embeddings.weight"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda tensors: tensors.pop("encoder.layer.1.output.dense.bias"), "has no tensor", id="missing"),
        pytest.param(lambda tensors: tensors.pop(TABLE), f"has no tensor named {TABLE}", id="no anchor"),
        pytest.param(
            lambda tensors: tensors.update({TABLE: tensors[TABLE][:-1]}), "has shape [262, 64]", id="misshapen"
        ),
        pytest.param(
            lambda tensors: tensors.update({TABLE: tensors[TABLE].astype(np.int32)}), "is I32, expected", id="integers"
        ),
        pytest.param(lambda tensors: tensors[TABLE].fill(np.nan), "holds values that aren't finite", id="NaN"),
        pytest.param(
            lambda tensors: tensors.update({f"second.{TABLE}": tensors[TABLE]}), "holds several encoders", id="two"
        ),
    ],
)
def test_valid_safetensors_with_other_tensors(
    place: Place, tiny_mpnet: Path, tmp_path: Path, change: Change, message: str
) -> None:
    """What config.json promises isn't there, or isn't what it promises."""
    model = shutil.copytree(tiny_mpnet, tmp_path / "model")
    edit_tensors(model / WEIGHTS, lambda tensors: (change(tensors), None)[1])
    place.assert_refused(model, message=message)


@pytest.mark.parametrize(
    "name", ["config.json", "modules.json", "1_Pooling/config.json", "sentence_bert_config.json", "tokenizer.json"]
)
@pytest.mark.parametrize("content", [b"", b"{", b"null", b"7", b'"text"', b"\xff\xfe\x00", b"[" * 100_000])
def test_broken_json(place: Place, tiny_mpnet: Path, tmp_path: Path, name: str, content: bytes) -> None:
    """Every JSON file of a checkpoint may be anything; the message names the one."""
    model = shutil.copytree(tiny_mpnet, tmp_path / "model")
    (model / name).write_bytes(content)
    place.assert_refused(model, message=str(model / name))


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", WEIGHTS])
def test_a_folder_where_a_file_should_be(place: Place, tiny_mpnet: Path, tmp_path: Path, name: str) -> None:
    """It is named all the same."""
    model = shutil.copytree(tiny_mpnet, tmp_path / "model")
    (model / name).unlink()
    (model / name).mkdir()
    place.assert_refused(model, message=str(model / name))


@pytest.mark.parametrize("path", ["../elsewhere", "/etc", 7, None])
def test_a_module_outside_the_checkpoint(place: Place, tiny_mpnet: Path, tmp_path: Path, path: object) -> None:
    """A module list can't lead the exporter to other files."""
    model = shutil.copytree(tiny_mpnet, tmp_path / "model")
    modules = json.loads((model / "modules.json").read_text(encoding="utf-8"))
    modules[1]["path"] = path
    (model / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    place.assert_refused(model, message=f"a module's path is {path!r}, expected a folder inside the checkpoint")


def test_hostile_file_names_are_only_names(place: Place, tiny_mpnet: Path, tmp_path: Path) -> None:
    """A folder may be called anything; the artifact works, and its manifest holds the name as it is."""
    name = 'models "best" {of} 2026 — \u202eflow\n(1)'
    model = shutil.copytree(tiny_mpnet, tmp_path / name)
    assert place.export(model, "--target", "cpu-fp32").code == 0
    assert json.loads((place.out / "manifest.json").read_text(encoding="utf-8"))["source"]["id"] == name
