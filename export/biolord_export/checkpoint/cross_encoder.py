"""Cross-encoders: checkpoints for sequence classification that score a pair of texts, as sentence-transformers does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from biolord_export.checkpoint.head.pooling import Pooling
from biolord_export.checkpoint.heads import HEADS
from biolord_export.checkpoint.modules import LIBRARY, MODULES_FILE, Modules
from biolord_export.checkpoint.pairing import read_pair_frame
from biolord_export.checkpoint.settings.json_files import read_json_if_there, read_json_list
from biolord_export.checkpoint.settings.known_keys import Key, check_keys, shown
from biolord_export.checkpoint.settings.library_settings import LIBRARY_FILE
from biolord_export.checkpoint.settings.sentence_settings import NO_ARGUMENTS, SENTENCE_FILES
from biolord_export.errors import CheckpointError
from biolord_onnx.artifact.reranking import Reranking

if TYPE_CHECKING:
    from pathlib import Path

    from biolord_export.checkpoint.config import EncoderConfig
    from biolord_export.checkpoint.settings.json_files import JsonObject
    from biolord_onnx.artifact.reranking import Activation

CLASSIFIER = "ForSequenceClassification"
LIBRARY_MODEL = "CrossEncoder"
ACTIVATIONS: dict[str, Activation] = {"Sigmoid": "sigmoid", "Identity": "identity"}
"""torch's classes, by the last part of their name."""
DEFAULT_ACTIVATION: Activation = "sigmoid"
"""What sentence-transformers takes for a single score where no file says another."""
LABELS = 2
"""What transformers takes where config.json doesn't say how many there are."""
_SCORES = {"text": {"method": "forward", "method_output_name": "logits"}}
MODULE_KEYS = {
    "max_seq_length": Key("the tokenizer's own file says so, too", (None,)),
    "do_lower_case": Key("texts are lowered before they are tokenized", (False,)),
    "transformer_task": Key("another task yields other outputs than scores", ("sequence-classification",)),
    "modality_config": Key("where scores come from; a chat template would change every text", (_SCORES,)),
    "module_output_name": Key("what is scored with", ("scores",)),
    "processing_kwargs": Key("options of every call of the tokenizer", NO_ARGUMENTS),
    "unpad_inputs": Key("whether a batch is computed without its padding, which changes rounding alone"),
}
LIBRARY_KEYS = {
    "__version__": Key("the releases that wrote the checkpoint"),
    "model_type": Key("read below"),
    "prompts": Key("texts put in front of others where a call names them"),
    "default_prompt_name": Key("a text is put in front of every query", (None,)),
    "activation_fn": Key("read below"),
}


@dataclass(frozen=True, slots=True)
class CrossEncoder:
    """A checkpoint folder that holds a cross-encoder.

    Attributes:
        folder: The folder.
        activation: What makes a score of the classifier's output.
    """

    folder: Path
    activation: Activation

    @property
    def modules(self) -> Modules:
        """The module list that stands for it: its classifier looks at the first token."""
        return Modules(self.folder, Pooling("cls", normalize=False), LIBRARY_MODEL, "cls")

    def reranking(self, tokenizer_json: str, config: EncoderConfig) -> Reranking:
        """Find out how its tokenizer frames a pair.

        Raises:
            CheckpointError: In a way that the runtime doesn't carry out, or the encoder has no types for it.
        """
        frame = read_pair_frame(self.folder, tokenizer_json, config)
        return Reranking(frame.prefix, frame.middle, frame.suffix, frame.token_types, activation=self.activation)


def read_cross_encoder(folder: Path) -> CrossEncoder | None:
    """Recognize a cross-encoder by its ``config.json``, or by sentence-transformers' own file; None for another model.

    Raises:
        CheckpointError: It is one that can't be converted: of several labels, of an architecture whose classifier isn't
            known, or with an activation, prompt or module that isn't carried out.
    """
    listed = (folder / MODULES_FILE).exists()
    settings = read_json_if_there(folder / LIBRARY_FILE) if listed else {}
    config = read_json_if_there(folder / "config.json")
    if settings.get("model_type") != LIBRARY_MODEL if listed else not _classifies(config):
        return None
    path = folder / "config.json"
    if listed:
        _check_modules(folder)
        check_keys(settings, folder / LIBRARY_FILE, LIBRARY_KEYS, only=True)
    _check_labels(config, path)
    if config.get("model_type") not in HEADS:
        raise CheckpointError(
            f"{path}: model_type is {shown(config.get('model_type'))}, the exporter knows the classifiers of "
            f"{', '.join(sorted(HEADS))}"
        )
    return CrossEncoder(folder, _activation(settings, config, path))


def _classifies(config: JsonObject) -> bool:
    architectures = config.get("architectures")
    return isinstance(architectures, list) and bool(architectures) and str(architectures[0]).endswith(CLASSIFIER)


def _check_labels(config: JsonObject, path: Path) -> None:
    names = config.get("id2label")
    labels = len(names) if isinstance(names, dict) else config.get("num_labels", LABELS)
    if labels != 1:
        raise CheckpointError(
            f"{path}: the checkpoint classifies into {labels} labels, a reranker has one score: it can't be converted "
            "into one (with --pooling its encoder alone becomes an artifact that embeds texts)"
        )


def _check_modules(folder: Path) -> None:
    path = folder / MODULES_FILE
    entries = read_json_list(path)
    kinds, places = [entry.get("type") for entry in entries], [entry.get("path") for entry in entries]
    known = [str(kind).startswith(f"{LIBRARY}.") and str(kind).endswith(".Transformer") for kind in kinds]
    if known != [True] or places != [""]:
        raise CheckpointError(
            f"{path} lists the modules {', '.join(map(shown, kinds)) or 'none'}, the exporter converts "
            "cross-encoders of a single Transformer beside the list"
        )
    for name in SENTENCE_FILES:
        check_keys(read_json_if_there(folder / name), folder / name, MODULE_KEYS, only=True)


def _activation(settings: JsonObject, config: JsonObject, path: Path) -> Activation:
    own = config.get("sentence_transformers")
    stated = settings.get("activation_fn") or (own.get("activation_fn") if isinstance(own, dict) else None)
    stated = stated or config.get("sbert_ce_default_activation_function")  # before sentence-transformers 4
    if stated is None:
        return DEFAULT_ACTIVATION
    name = str(stated)
    known = ACTIVATIONS.get(name.rpartition(".")[2]) if name.startswith("torch.") else None
    if known is None:
        raise CheckpointError(
            f"{path}: scores go through {shown(stated)}, the exporter knows torch's {' and '.join(ACTIVATIONS)}"
        )
    return known
