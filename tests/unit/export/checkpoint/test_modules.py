"""The module list: what the exporter takes over, and what it refuses rather than computing something else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from biolord_export.checkpoint.head.pooling import POOLING_MODES, Normalize, Pooling
from biolord_export.checkpoint.modules import Modules, check_width, read_modules
from biolord_export.demo.models import reference_model
from biolord_export.errors import CheckpointError
from tiny.checkpoint import SIZES, write_checkpoint
from tiny.tokenizer import write_json
from unit.export.editing import edit_json

OLD = "sentence_transformers.models."
NEW = "sentence_transformers.sentence_transformer.modules."


def listed(folder: Path, *types: object, paths: tuple[object, ...] = ("", "1_Pooling", "2_Normalize")) -> Path:
    """Write a modules.json, and return its folder."""
    entries = [
        {"idx": index, "name": str(index), "path": path, "type": kind}
        for index, (kind, path) in enumerate(zip(types, paths, strict=False))
    ]
    write_json(folder / "modules.json", entries)
    return folder


def pooled(folder: Path, config: object) -> Path:
    """Write a checkpoint's module list with a pooling config, and return its folder."""
    write_json(folder / "1_Pooling" / "config.json", config)
    return listed(folder, OLD + "Transformer", OLD + "Pooling")


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("normalize", [True, False])
def test_a_checkpoint_says_itself_how_it_pools(tmp_path: Path, pooling: str, normalize: bool) -> None:
    """Pooling mode and Normalize module come from the checkpoint's own files."""
    write_checkpoint(tmp_path, pooling=pooling, normalize=normalize)
    assert read_modules(tmp_path) == Modules(
        tmp_path, Pooling(pooling, normalize), "modules.json", pooling, SIZES.hidden
    )


def test_a_plain_transformers_checkpoint_is_pooled_by_mean(tmp_path: Path) -> None:
    """Without modules.json sentence-transformers takes the mean and doesn't normalize; so does the exporter."""
    write_checkpoint(tmp_path, modules=False)
    assert read_modules(tmp_path) == Modules(tmp_path, Pooling("mean", normalize=False), "no modules.json", "mean")


@pytest.mark.parametrize("modules", [True, False])
def test_the_pooling_asked_for_overrules_the_checkpoints_own(tmp_path: Path, modules: bool) -> None:
    """RaTEScore and others take the CLS token of a checkpoint that pools by mean."""
    write_checkpoint(tmp_path, modules=modules)
    assert read_modules(tmp_path, "cls").pooling.mode == "cls"


@pytest.mark.parametrize("modules", [True, False])
def test_an_unknown_pooling_asked_for_is_refused(tmp_path: Path, modules: bool) -> None:
    """A pooling that no graph has is refused before anything is read."""
    write_checkpoint(tmp_path, modules=modules)
    with pytest.raises(CheckpointError, match=re.escape("pooling is 'cls+median', the exporter knows mean, cls, max,")):
        read_modules(tmp_path, "cls+median")


@pytest.mark.parametrize(
    ("config", "mode"),
    [
        ({"word_embedding_dimension": 64, "pooling_mode_mean_tokens": True}, "mean"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"embedding_dimension": 64, "pooling_mode": "mean", "include_prompt": True}, "mean"),
        ({"pooling_mode": "cls"}, "cls"),
        ({"pooling_mode": ["mean"]}, "mean"),
        ({"pooling_mode": "cls", "pooling_mode_mean_tokens": True}, "cls"),
        ({"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": False}, "mean"),
        ({"word_embedding_dimension": 64}, "mean"),
        ({"pooling_mode_max_tokens": True}, "max"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, "cls+mean"),
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True}, "cls+mean"),
        ({"pooling_mode": ["mean", "max"]}, "mean+max"),
        ({"pooling_mode": "lasttoken"}, "lasttoken"),
        ({"pooling_mode_weightedmean_tokens": True}, "weightedmean"),
        ({"pooling_mode_mean_sqrt_len_tokens": True}, "mean_sqrt_len_tokens"),
    ],
)
def test_pooling_configs_of_all_versions_are_read(tmp_path: Path, config: object, mode: str) -> None:
    """Old files have a switch a mode, new ones a name; both, one or none are read as the library reads them."""
    assert read_modules(pooled(tmp_path, config)).pooling.mode == mode


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"pooling_mode": []}, "nothing"),
        ({"pooling_mode": ["mean", "median"]}, "mean+median"),
        ({"pooling_mode": None}, "None"),
        ({"pooling_mode": {"mean": 1}}, "{'mean': 1}"),
    ],
)
def test_other_poolings_are_refused_by_name(tmp_path: Path, config: object, found: str) -> None:
    """The message says how the checkpoint pools; another pooling, asked for, is said to make other vectors."""
    known = f"{', '.join(POOLING_MODES)}, and several with + between them"
    message = f"config.json pools by {found}, the exporter knows {known}: it can't convert this checkpoint"
    with pytest.raises(CheckpointError, match=re.escape(message)):
        read_modules(pooled(tmp_path, config))
    overruled = read_modules(tmp_path, "mean")
    assert overruled.pooling.mode == "mean"
    assert overruled.tell_of_pooling() == (
        f"texts are pooled by mean (--pooling), the checkpoint's own is {found}: the vectors are not the checkpoint's",
    )


@pytest.mark.parametrize("prefix", [OLD, NEW])
def test_class_names_of_old_and_new_versions_are_known(tmp_path: Path, prefix: str) -> None:
    """Version 5 moved the classes; their names stayed."""
    pooled(tmp_path, {"pooling_mode": "mean"})
    listed(tmp_path, prefix + "Transformer", prefix + "Pooling", prefix + "Normalize")
    assert read_modules(tmp_path).pooling == Pooling("mean", normalize=True)


def test_an_encoder_in_a_folder_of_its_own_is_found(tmp_path: Path) -> None:
    """Checkpoints of the first versions have their encoder in 0_Transformer."""
    pooled(tmp_path, {"pooling_mode": "mean"})
    listed(tmp_path, OLD + "Transformer", OLD + "Pooling", paths=("0_Transformer", "1_Pooling"))
    assert read_modules(tmp_path).encoder == tmp_path / "0_Transformer"


def test_the_modules_behind_the_pooling_are_read_in_their_order(tmp_path: Path) -> None:
    """Dropout does nothing, and the last of the others says whether vectors have length 1."""
    write_checkpoint(tmp_path, dense=True)
    kinds = ("Transformer", "Pooling", "Normalize", "Dense", "Dropout", "Normalize")
    paths = ("", "1_Pooling", "2_Normalize", "2_Dense", "4_Dropout", "5_Normalize")
    write_json(tmp_path / "4_Dropout" / "config.json", {"dropout": 0.2})
    pooling = read_modules(listed(tmp_path, *(OLD + kind for kind in kinds), paths=paths)).pooling
    (first, dense) = pooling.steps
    assert (first, pooling.normalize, pooling.normalized) == (Normalize(), True, True)
    assert (pooling.denses, pooling.width(SIZES.hidden)) == ((dense,), SIZES.hidden)
    assert (pooling.denses[0].activation, pooling.denses[0].weights.parent.name) == ("Tanh", "2_Dense")


def test_a_vector_that_is_cut_has_no_longer_length_1() -> None:
    """The library cuts it behind all modules."""
    assert not Pooling("mean", normalize=True, cut=8).normalized
    assert Pooling("cls+mean", normalize=True, cut=8).width(64) == 8
    assert Pooling("cls+mean", normalize=True).width(64) == 128


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ({"in_features": 0}, "the layer has 0 inputs and 64 outputs, expected 1 or more"),
        ({"in_features": 32}, "has shape [64, 64], config.json says [64, 32]"),
        ({"bias": 1}, "bias is 1, the exporter writes only True or False"),
        ({"scale": 2}, "scale is 2, a key that the exporter doesn't know"),
        ({"activation_function": None}, "activation_function is None, the exporter writes only torch.nn's Identity"),
        ({"activation_function": "torch.sin"}, "activation_function is 'torch.sin'"),
        ({"activation_function": "torch.nn.Softmax"}, "activation_function is 'torch.nn.Softmax'"),
        ({"module_output_name": "other"}, "module_output_name is 'other'"),
    ],
)
def test_a_dense_module_that_is_not_carried_out_is_refused(
    tmp_path: Path, members: dict[str, object], complaint: str
) -> None:
    """By the key and its value."""
    write_checkpoint(tmp_path, dense=True)
    edit_json(tmp_path / "2_Dense" / "config.json", **members)
    with pytest.raises(CheckpointError, match=re.escape(complaint)):
        read_modules(tmp_path)


def test_a_dense_module_takes_what_the_pooling_yields(tmp_path: Path) -> None:
    """Overruled, the pooling may yield more: then the layer doesn't fit."""
    write_checkpoint(tmp_path, dense=True)
    check_width(read_modules(tmp_path), SIZES.hidden)
    with pytest.raises(
        CheckpointError, match=r"2_Dense takes vectors of 64 numbers and would get 128 \(pooling by cls"
    ):
        check_width(read_modules(tmp_path, "cls+mean"), SIZES.hidden)


@pytest.mark.parametrize(
    ("types", "found"),
    [
        ((), "none"),
        ((OLD + "Transformer",), "Transformer"),
        ((OLD + "Transformer", OLD + "Normalize"), "Transformer, Normalize"),
        ((OLD + "Pooling", OLD + "Transformer"), "Pooling, Transformer"),
        (("custom_st.Transformer", OLD + "Pooling"), "custom_st.Transformer, Pooling"),
        (
            ("sentence_transformers_fork.Transformer", OLD + "Pooling"),
            "sentence_transformers_fork.Transformer, Pooling",
        ),
    ],
)
def test_other_module_lists_are_refused(tmp_path: Path, types: tuple[str, ...], found: str) -> None:
    """Modules that are missing, in another order or another package's are refused with the list that was found."""
    listed(tmp_path, *types)
    with pytest.raises(CheckpointError, match=re.escape(f"lists the modules {found}")):
        read_modules(tmp_path)


@pytest.mark.parametrize("kind", [None, 3, ["Transformer"]])
def test_a_type_that_is_no_class_name_is_refused(tmp_path: Path, kind: object) -> None:
    """The message shows what stands in the class name's place."""
    with pytest.raises(CheckpointError, match=re.escape(f"a module's type is {kind!r}, expected a class name")):
        read_modules(listed(tmp_path, kind, OLD + "Pooling"))


@pytest.mark.parametrize("place", ["../other", "/etc", "a/../../b", "..", 7, None])
@pytest.mark.parametrize("position", [0, 1])
def test_a_path_out_of_the_checkpoint_is_refused(tmp_path: Path, place: object, position: int) -> None:
    """A module list can't make the exporter read files elsewhere."""
    pooled(tmp_path, {"pooling_mode": "mean"})
    paths: list[object] = ["", "1_Pooling"]
    paths[position] = place
    listed(tmp_path, OLD + "Transformer", OLD + "Pooling", paths=tuple(paths))
    with pytest.raises(CheckpointError, match=re.escape(f"path is {place!r}, expected a folder inside")):
        read_modules(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "\x00", "[" * 100_000])
def test_a_corrupt_module_list_is_refused(tmp_path: Path, content: str) -> None:
    """The file is named, in one line."""
    (tmp_path / "modules.json").write_text(content, encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"modules\.json is not readable JSON .*: download it again") as caught:
        read_modules(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [{}, None, ["Transformer", "Pooling"], [{}, 1]])
def test_json_that_is_no_module_list_is_refused(tmp_path: Path, value: object) -> None:
    """A list of objects is expected."""
    (tmp_path / "modules.json").write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"modules\.json is not a list of objects"):
        read_modules(tmp_path)


def test_a_missing_pooling_config_is_named(tmp_path: Path) -> None:
    """The module list promises a file that isn't there."""
    listed(tmp_path, OLD + "Transformer", OLD + "Pooling")
    with pytest.raises(CheckpointError, match=r"1_Pooling/config\.json is missing"):
        read_modules(tmp_path)


@pytest.mark.real
@pytest.mark.parametrize("name", ["all-mpnet-base-v2", "all-minilm-l6-v2"])
def test_the_reference_models_pool_by_mean_and_normalize(name: str) -> None:
    """The real module lists are read."""
    folder = reference_model(name)
    width = {"all-mpnet-base-v2": 768, "all-minilm-l6-v2": 384}[name]
    assert read_modules(folder) == Modules(folder, Pooling("mean", normalize=True), "modules.json", "mean", width)
