"""Finding a checkpoint on disk or on the hub."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from biolord_export.checkpoint.source import find_checkpoint, open_checkpoint
from biolord_export.errors import CheckpointError
from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.artifact.manifest import MaxLength
from biolord_onnx.errors import MissingDependencyError
from table.modules import sharded
from tiny.checkpoint import write_checkpoint
from unit.export.hub import COMMIT, ID, NOWHERE, Hub, cached, running_hub
from unit.export.places import Place, assert_failed, run_with

pytestmark = pytest.mark.slow


class Bomb:
    """An object whose pickle writes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        """Remember which."""
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        """Return what unpickling calls."""
        return os.mkdir, (str(self.path),)


@pytest.fixture
def hub(checkpoint: Path) -> Iterator[Hub]:
    """Give a running hub that has the tiny checkpoint and, beside it, what nobody should download."""
    (checkpoint / "pytorch_model.bin").write_bytes(b"a pickle")
    (checkpoint / "README.md").write_text("words", encoding="utf-8")
    with running_hub(checkpoint) as running:
        yield running


def test_a_folder_is_a_checkpoint_of_its_own_name(tiny_mpnet: Path) -> None:
    """It has no revision; length, pooling, tokenizer and weights come out of its files."""
    found = open_checkpoint(str(tiny_mpnet))
    assert (found.place.folder, found.place.id, found.place.revision) == (tiny_mpnet, "tiny-mpnet", None)
    assert found.max_length == MaxLength(48, "sentence_bert_config.json")
    assert (found.pooling.mode, found.pooling.normalize) == ("mean", False)
    assert json.loads(found.tokenizer_json)["padding"] is None
    assert found.weights == tiny_mpnet / "model.safetensors"
    assert found.weights_sha256() == {"model.safetensors": hashlib.sha256(found.weights.read_bytes()).hexdigest()}


def test_options_overrule_the_checkpoints_own(tiny_bert: Path) -> None:
    """Pooling and length are handed on."""
    found = open_checkpoint(str(tiny_bert), pooling="cls", max_length=9)
    assert (found.pooling.mode, found.max_length) == ("cls", MaxLength(9, "--max-length"))


def test_a_relative_path_and_a_home_are_folders_too(tiny_mpnet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`.` names the folder it stands for, and `~` is the user's."""
    monkeypatch.chdir(tiny_mpnet)
    monkeypatch.setenv("HOME", str(tiny_mpnet.parent))
    assert find_checkpoint(".").id == "tiny-mpnet"
    assert find_checkpoint("~/tiny-mpnet").id == "tiny-mpnet"


def test_a_folder_has_no_revision(tiny_mpnet: Path) -> None:
    """A --revision that would change nothing is refused."""
    with pytest.raises(CheckpointError, match="is a folder, which has no revision 'main': leave --revision out"):
        find_checkpoint(str(tiny_mpnet), "main")


def test_a_file_is_no_checkpoint(tiny_mpnet: Path) -> None:
    """Pointing at the weights themselves is a common slip."""
    with pytest.raises(
        CheckpointError, match=r"neither a checkpoint folder nor a hub id: give a folder with config\.json"
    ):
        find_checkpoint(str(tiny_mpnet / "model.safetensors"))


@pytest.mark.parametrize("model", ["nowhere", "/nowhere/at/all", "a/b/c", "https://huggingface.co/a/b", "a b/c"])
def test_what_is_neither_folder_nor_hub_id_is_refused_without_asking_the_hub(model: str) -> None:
    """No connection is opened for a path with a typo."""
    with pytest.raises(CheckpointError, match=r"neither .* nor a hub id"):
        find_checkpoint(model)


def test_an_impossible_hub_id_is_refused_in_the_hubs_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The client's own rules are stricter than ours."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match=r"org/na--me is no hub id \(.+\): check its spelling"):
        find_checkpoint("org/na--me")


def test_without_torch_a_pickle_is_never_loaded(checkpoint: Path, tmp_path: Path) -> None:
    """A checkpoint with pytorch_model.bin only is refused with a way out, and its pickle isn't run."""
    (checkpoint / "model.safetensors").unlink()
    trace = tmp_path / "ran"
    (checkpoint / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(trace)))
    with pytest.raises(
        MissingDependencyError,
        match=r"weights only in pytorch_model.bin, a pickle.*--revision refs/pr/1.*, or pip install 'biolord-onnx",
    ):
        open_checkpoint(str(checkpoint))
    assert not trace.exists()


def test_missing_weights_are_named(checkpoint: Path) -> None:
    """The one file that is read."""
    (checkpoint / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"model\.safetensors is missing"):
        open_checkpoint(str(checkpoint))


def test_a_folder_of_the_hubs_cache_says_what_it_is(tiny_mpnet: Path, tmp_path: Path) -> None:
    """Id and revision stand in its path, whether it is given itself or by a link."""
    snapshot = cached(tiny_mpnet, tmp_path / "cache")
    link = tmp_path / "link"
    link.symlink_to(snapshot)
    for folder in (snapshot, link):
        found = find_checkpoint(str(folder))
        assert (found.id, found.revision) == (ID, COMMIT)


@pytest.mark.parametrize("name", ["models--a--b--c", "models--a--b.c_d"])
def test_a_hub_name_may_hold_dashes_and_dots(tmp_path: Path, name: str) -> None:
    """The first double dash ends the owner."""
    folder = tmp_path / name / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    assert find_checkpoint(str(folder)).id == name.removeprefix("models--").replace("--", "/", 1)


@pytest.mark.parametrize(
    "revision", [(), *(pytest.param(("--revision", name), marks=pytest.mark.real) for name in ("main", COMMIT))]
)
def test_offline_a_cached_checkpoint_is_found(
    tiny_mpnet: Path, place: Place, tmp_path: Path, revision: tuple[str, ...]
) -> None:
    """With HF_HUB_OFFLINE=1 an id is looked up in the cache alone, and the manifest tells which commit it was."""
    cached(tiny_mpnet, tmp_path / "cache")
    environment = {"HF_HOME": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1"}
    outcome = run_with(environment, "export", ID, place.out, "--target", "cpu-fp32", *revision)
    assert outcome.code == 0, outcome.err
    source = open_artifact(place.out).manifest.source
    assert (source.id, source.revision) == (ID, COMMIT)


@pytest.mark.parametrize("revision", ["v2", pytest.param("f" * 40, marks=pytest.mark.real)])
def test_offline_a_revision_that_is_not_cached_is_refused(
    tiny_mpnet: Path, place: Place, tmp_path: Path, revision: str
) -> None:
    """Another revision than the one asked for is never taken."""
    cached(tiny_mpnet, tmp_path / "cache")
    environment = {"HF_HOME": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1"}
    outcome = run_with(environment, "export", ID, place.out, "--revision", revision)
    assert_failed(outcome, f"{ID} could not be fetched from the hub")
    assert place.left == []


def test_an_unreachable_hub_names_the_way_without_it(place: Place, tmp_path: Path) -> None:
    """Closed networks are where this runs; one line says what to do there."""
    environment = {"HF_HOME": str(tmp_path), "HF_ENDPOINT": NOWHERE}
    outcome = run_with(environment, "export", ID, place.out)
    assert_failed(outcome, "where there is no network, copy the checkpoint's folder here and give its path")
    assert place.left == []


def test_a_checkpoint_is_fetched_without_pickles(hub: Hub, place: Place, tmp_path: Path) -> None:
    """Configuration, tokenizer and safetensors come over the wire, nothing else; the commit is recorded."""
    outcome = run_with(hub.environment(tmp_path / "cache"), "export", ID, place.out, "--target", "cpu-fp32")
    assert outcome.code == 0, outcome.err
    manifest = open_artifact(place.out).manifest
    assert (manifest.source.id, manifest.source.revision) == (ID, COMMIT)
    assert manifest.name == "tiny-mpnet-cpu-fp32"
    assert {"model.safetensors", "tokenizer.json", "config.json", "1_Pooling/config.json"} <= set(hub.asked)
    assert {"pytorch_model.bin", "README.md"} & set(hub.asked) == set()


def test_shards_and_the_weights_of_modules_are_fetched(hub: Hub, place: Place, tmp_path: Path) -> None:
    """And hashed, each by its name."""
    write_checkpoint(hub.folder, dense=True)
    sharded(hub.folder)
    outcome = run_with(hub.environment(tmp_path / "cache"), "export", ID, place.out, "--target", "cpu-fp32")
    assert outcome.code == 0, outcome.err
    names = ["2_Dense/model.safetensors", *(f"model-0000{number}-of-00002.safetensors" for number in (1, 2))]
    weights = open_artifact(place.out).manifest.source.weights
    assert sorted(weights) == names
    assert weights == {name: hashlib.sha256((hub.folder / name).read_bytes()).hexdigest() for name in names}


def test_a_pull_request_is_a_revision(hub: Hub, place: Place, tmp_path: Path) -> None:
    """Older BioLORD checkpoints have their safetensors only there."""
    options = ("--target", "cpu-fp32", "--revision", "refs/pr/1")
    outcome = run_with(hub.environment(tmp_path / "cache"), "export", ID, place.out, *options)
    assert outcome.code == 0, outcome.err
    assert open_artifact(place.out).manifest.source.revision == COMMIT


def test_a_checkpoint_without_safetensors_points_to_the_pull_request(hub: Hub, place: Place, tmp_path: Path) -> None:
    """Its pickle was not even downloaded, so that its absence can't be what the message goes by."""
    (hub.folder / "model.safetensors").unlink()
    outcome = run_with(hub.environment(tmp_path / "cache"), "export", ID, place.out)
    assert_failed(outcome, "--revision refs/pr/1")
    assert "pytorch_model.bin" not in hub.asked


@pytest.mark.parametrize(
    ("model", "revision", "message"),
    [
        ("example/nothing", "main", "the hub has no example/nothing at revision main: check both names"),
        (ID, "v2", f"the hub has no {ID} at revision v2: check both names"),
    ],
)
def test_what_the_hub_does_not_have_is_named(
    hub: Hub, place: Place, tmp_path: Path, model: str, revision: str, message: str
) -> None:
    """A typo is told apart from a network that is down."""
    environment = hub.environment(tmp_path / "cache")
    assert_failed(run_with(environment, "export", model, place.out, "--revision", revision), message)


def test_a_download_that_breaks_off_leaves_no_artifact(hub: Hub, place: Place, tmp_path: Path) -> None:
    """Half a weights file is not taken for a whole one."""
    hub.breaks.add("model.safetensors")
    outcome = run_with(hub.environment(tmp_path / "cache"), "export", ID, place.out)
    assert_failed(outcome, f"{ID} could not be fetched from the hub")
    assert place.left == []


def test_without_the_hubs_client_the_pip_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A local folder needs no huggingface-hub, an id does."""
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(
        MissingDependencyError, match=r"needs huggingface-hub: pip install 'biolord-onnx\[cpu,export\]'"
    ):
        find_checkpoint(ID)


def test_a_module_folder_may_hold_the_encoder(tmp_path: Path) -> None:
    """Older checkpoints keep it in 0_Transformer."""
    folder = write_checkpoint(tmp_path / "model")
    inner = folder / "0_Transformer"
    inner.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json", "sentence_bert_config.json"):
        shutil.move(folder / name, inner / name)
    modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    modules[0]["path"] = "0_Transformer"
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    assert open_checkpoint(str(folder)).weights == inner / "model.safetensors"
