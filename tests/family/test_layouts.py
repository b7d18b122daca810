"""The five layouts, read without torch: what the export makes of each folder's files."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

from biolord_export.checkpoint.source import open_checkpoint
from biolord_export.errors import CheckpointError
from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.embedder import Embedder
from biolord_onnx.errors import MissingDependencyError
from biolord_onnx.tokenizer.tokenizer import Tokenizer
from family.layouts import LAYOUTS, Layout, lay_out_for_hub, write_layout
from tiny.tokenizer import BAKED_LENGTH
from unit.export.places import Place, assert_failed, run_with

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("coverage_paused")]
COMMIT = "4ea2ea2" + "0" * 33
FLOAT32 = ("--target", "cpu-fp32")
READABLE = [name for name, layout in LAYOUTS.items() if layout.safetensors]
PICKLED = [name for name, layout in LAYOUTS.items() if not layout.safetensors]


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest) -> Layout:
    """Each layout."""
    return LAYOUTS[request.param]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty folder to export into."""
    folder = tmp_path / "place"
    folder.mkdir()
    return Place(folder)


def test_each_layout_is_recognized_from_its_files(layout: Layout, tmp_path: Path) -> None:
    """Length and the file that says so, pooling, normalization, tokenizer; the pickled ones by their safetensors."""
    found = open_checkpoint(str(write_layout(tmp_path / layout.name, layout)))
    value, source = layout.max_length
    assert found.max_length.value == value
    assert found.max_length.source.partition(" (")[0] == source
    assert (found.pooling.mode, found.pooling.normalize) == ("mean", False)
    assert found.config.model_type == layout.architecture
    assert (found.place.id, found.place.revision) == (layout.name, None)


def test_each_layouts_tokenizer_neither_pads_nor_cuts(layout: Layout, tmp_path: Path) -> None:
    """Whether it was baked into the file or the file was built."""
    values = json.loads(open_checkpoint(str(write_layout(tmp_path, layout))).tokenizer_json)
    assert values["padding"] is values["truncation"] is None
    tokenizer = Tokenizer.from_json(json.dumps(values))
    short, long = tokenizer.tokenize(["fever", "fever " * 600], 512).ids
    assert len(short) < BAKED_LENGTH
    assert len(long) == 512


@pytest.mark.parametrize("name", PICKLED)
def test_a_layout_with_a_pickle_alone_names_both_ways_out(name: str, tmp_path: Path, place: Place) -> None:
    """Without torch: the revision with safetensors, or the extra."""
    folder = write_layout(tmp_path / name, LAYOUTS[name])
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(MissingDependencyError, match=r"--revision refs/pr/1.*pip install 'biolord-onnx"):
        open_checkpoint(str(folder))
    place.assert_refused(folder, message="--revision refs/pr/1")


@pytest.mark.parametrize("name", READABLE)
def test_hidden_states_that_config_asks_for_are_no_outputs(name: str, tmp_path: Path, place: Place) -> None:
    """config.json has output_hidden_states on, and the graph yields a text's vector, plain and of length 1."""
    folder = write_layout(tmp_path / name, LAYOUTS[name])
    assert json.loads((folder / "config.json").read_text(encoding="utf-8"))["output_hidden_states"] is True
    assert place.export(folder, *FLOAT32).code == 0
    graph = onnx.load(place.out / "model.onnx", load_external_data=False).graph
    assert [output.name for output in graph.output] == ["sentence_embedding", "unit_embedding"]


@pytest.mark.parametrize(
    "revision", [(), *(pytest.param(("--revision", name), marks=pytest.mark.real) for name in ("main", COMMIT))]
)
def test_the_multilingual_model_out_of_the_hubs_cache(tmp_path: Path, place: Place, revision: tuple[str, ...]) -> None:
    """Under its real id, offline: HF_HOME and HF_HUB_OFFLINE are the client's to honor, the commit is recorded."""
    layout = LAYOUTS["BioLORD-2023-M"]
    lay_out_for_hub(write_layout(tmp_path / "model", layout), tmp_path / "cache", layout.name, COMMIT)
    environment = {"HF_HOME": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1"}
    outcome = run_with(environment, "export", "FremyCompany/BioLORD-2023-M", place.out, *FLOAT32, *revision)
    assert outcome.code == 0, outcome.err
    manifest = open_artifact(place.out).manifest
    assert (manifest.source.id, manifest.source.revision) == ("FremyCompany/BioLORD-2023-M", COMMIT)
    assert (manifest.name, manifest.architecture) == ("BioLORD-2023-M-cpu-fp32", "xlm-roberta")
    assert manifest.max_length.value == 64


def test_a_snapshot_folder_and_a_plain_one_give_the_same_artifact(tmp_path: Path) -> None:
    """Given by its path, the snapshot still knows its id and commit; the files come out byte by byte alike."""
    layout = LAYOUTS["BioLORD-2023-M"]
    plain = write_layout(tmp_path / "plain", layout)
    snapshot = lay_out_for_hub(plain, tmp_path / "cache", layout.name, COMMIT)
    outs = []
    for number, folder in enumerate((plain, snapshot)):
        place = Place(tmp_path / f"place-{number}")
        place.folder.mkdir()
        assert place.export(folder, *FLOAT32).code == 0
        outs.append(open_artifact(place.out))
    assert [out.manifest.source.revision for out in outs] == [None, COMMIT]
    for name in ("model.onnx", "model.onnx.data", "tokenizer.json"):
        assert (outs[0].path / name).read_bytes() == (outs[1].path / name).read_bytes()


def test_offline_with_an_empty_cache_the_way_out_is_named(tmp_path: Path, place: Place) -> None:
    """A folder that was copied here needs no network."""
    environment = {"HF_HOME": str(tmp_path / "empty"), "HF_HUB_OFFLINE": "1"}
    outcome = run_with(environment, "export", "FremyCompany/BioLORD-2023-M", place.out)
    assert_failed(outcome, "where there is no network, copy the checkpoint's folder here and give its path")


def test_512_tokens_of_a_checkpoint_that_says_128(tmp_path: Path, place: Place) -> None:
    """Allowed, in one line on stderr and in the manifest."""
    folder = write_layout(tmp_path / "model", LAYOUTS["BioLORD-2023"])
    outcome = place.export(folder, *FLOAT32, "--max-length", 512)
    assert outcome.code == 0, outcome.err
    lines = [line for line in outcome.err.splitlines() if "sentence_bert_config.json" in line]
    assert len(lines) == 1
    assert lines[0].startswith("texts may have 512 tokens, sentence_bert_config.json says 128: ")
    length = open_artifact(place.out).manifest.max_length
    assert (length.value, length.source) == (512, "--max-length (sentence_bert_config.json: 128)")
    with Embedder.load(place.out) as embedder:
        info = embedder.encode_with_info(["fever " * 300, "fever " * 200])
    assert not info.truncated.any()


@pytest.mark.parametrize("length", [30, 128])
def test_cls_pooling_with_a_length_of_ones_own(tmp_path: Path, place: Place, length: int) -> None:
    """What RaTEScore and DeepRare ask for: both overrule the checkpoint, which is said and kept."""
    folder = write_layout(tmp_path / "model", LAYOUTS["BioLORD-2023-C"])
    outcome = place.export(folder, *FLOAT32, "--pooling", "cls", "--max-length", length)
    assert outcome.code == 0, outcome.err
    manifest = open_artifact(place.out).manifest
    pooled, cut = manifest.notes
    assert pooled.startswith("texts are pooled by cls (--pooling), sentence-transformers' choice without modules.json")
    assert cut.startswith(f"texts are cut at {length} tokens (--max-length), tokenizer_config.json says 512")
    assert outcome.err.startswith(f"{pooled}\n{cut}\n")
    assert (manifest.pooling, manifest.max_length.value, manifest.max_length.source) == ("cls", length, "--max-length")


def test_a_table_of_another_size_is_refused(tmp_path: Path) -> None:
    """The multilingual tokenizer beside the English weights: the ids have no vectors."""
    folder = write_layout(tmp_path / "model", LAYOUTS["BioLORD-2023"])
    other = write_layout(tmp_path / "other", LAYOUTS["BioLORD-2023-M"])
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (folder / name).write_bytes((other / name).read_bytes())
    with pytest.raises(CheckpointError, match=r"has ids up to \d+, config\.json says vectors for \d+"):
        open_checkpoint(str(folder))
