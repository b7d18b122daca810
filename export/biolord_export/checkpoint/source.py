"""Find a checkpoint, on disk or on the hub, and read everything about it but its weights."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from biolord_export.checkpoint.architectures import check_architecture
from biolord_export.checkpoint.config import EncoderConfig, read_encoder_config
from biolord_export.checkpoint.cross_encoder import read_cross_encoder
from biolord_export.checkpoint.head.pooling import Pooling, choose_cut
from biolord_export.checkpoint.lengths import choose_max_length, read_max_length, tell_of_length
from biolord_export.checkpoint.modules import check_width, read_modules
from biolord_export.checkpoint.pairing import choose_pairs
from biolord_export.checkpoint.settings.json_files import reading_once
from biolord_export.checkpoint.settings.library_settings import LibrarySettings, read_library_settings
from biolord_export.checkpoint.stored.pickled import PICKLED_WEIGHTS, can_unpickle
from biolord_export.checkpoint.stored.weights_file import WEIGHTS_FILE, find_weights, weight_files
from biolord_export.checkpoint.tokenizer.file import asks_lower_case, prepare_tokenizer
from biolord_export.checkpoint.tokenizer.sentencepiece import MODEL_FILE
from biolord_export.errors import CheckpointError
from biolord_onnx.artifact.manifest import RIGHT
from biolord_onnx.artifact.prompts import Prompts
from biolord_onnx.errors import MissingDependencyError
from biolord_onnx.install import install_hint

if TYPE_CHECKING:
    from biolord_export.vocabulary.pruning import KeptVocabulary
    from biolord_onnx.artifact.manifest import MaxLength
    from biolord_onnx.artifact.pairing import PairFrame
    from biolord_onnx.artifact.reranking import Reranking

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
HUB_SNAPSHOT = re.compile(r"models--(?P<owner>[\w.-]+?)--(?P<name>[\w.-]+)/snapshots/(?P<revision>[0-9a-f]{40})")
SHARDS = "model-*-of-*.safetensors"
ENCODER_FILES = ("vocab.txt", MODEL_FILE, WEIGHTS_FILE, SHARDS)
HUB_FILES = ("*.json", "*.jinja", *ENCODER_FILES, *(f"0_*/{name}" for name in ENCODER_FILES), f"*_Dense/{WEIGHTS_FILE}")
"""What is fetched: configuration, tokenizer and safetensors; the first releases kept the encoder in 0_Transformer."""
PICKLES = (PICKLED_WEIGHTS, f"*/{PICKLED_WEIGHTS}", "*pytorch_model-*-of-*.bin")
"""What is fetched where there are no safetensors, but torch to load pickles safely."""
ADAPTER_FILE = "adapter_config.json"


@dataclass(frozen=True, slots=True)
class CheckpointLocation:
    """A folder on disk, and which checkpoint lies in it."""

    folder: Path
    id: str
    revision: str | None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint that can be converted.

    Attributes:
        place: Where it lies and what it is.
        config: Sizes of its encoder.
        pooling: What follows the encoder.
        own_pooling: The pooling mode of the checkpoint's files, whatever was asked for.
        max_length: Tokens of a text, and which file said so.
        own_length: What the checkpoint's files say, whatever was asked for.
        tokenizer_json: The tokenizer file, padding and truncation reset.
        weights: The safetensors file, or pytorch_model.bin; or the index of several.
        truncation_side: Which end of a text over the limit is cut off.
        prompts: What it wants in front of texts.
        vocabulary: What is kept of its vocabulary; None for all of it.
        lowered: Whether sentence-transformers lowers texts before they are tokenized; the tokenizer file does so.
        notes: What a user of its vectors must know, such as options that overrule the checkpoint; a line each.
        reranking: How a cross-encoder scores pairs; None for a checkpoint that embeds texts.
        pairs: How one that embeds texts joins two into one row; None if its artifact takes no pairs.
    """

    place: CheckpointLocation
    config: EncoderConfig
    pooling: Pooling
    own_pooling: str
    max_length: MaxLength
    own_length: MaxLength
    tokenizer_json: str
    weights: Path
    truncation_side: str = RIGHT
    prompts: Prompts = field(default_factory=Prompts)
    vocabulary: KeptVocabulary | None = None
    lowered: bool = False
    notes: tuple[str, ...] = ()
    reranking: Reranking | None = None
    pairs: PairFrame | None = None

    def weights_sha256(self) -> dict[str, str]:
        """Hash every weights file that is read, by its name; those of modules by their folder's, too."""
        encoder = {path.name: path for path in weight_files(self.weights)}
        modules = [path for dense in self.pooling.denses for path in weight_files(dense.weights)]
        return {
            name: _sha256(path)
            for name, path in (encoder | {f"{path.parent.name}/{path.name}": path for path in modules}).items()
        }


@reading_once()
def open_checkpoint(
    model: str,
    *,
    revision: str | None = None,
    pooling: str | None = None,
    max_length: int | None = None,
    truncate_dim: int | None = None,
    pairs: bool = False,
) -> Checkpoint:
    """Open a checkpoint folder, or one of the hub.

    Args:
        model: A folder, or a hub id such as ``FremyCompany/BioLORD-2023``.
        revision: A branch, tag, commit or pull request (``refs/pr/1``) of the hub.
        pooling: A mode, or several with ``+`` between them, to overrule the checkpoint's own; of a cross-encoder, its
            encoder alone is taken.
        max_length: Tokens of a text, to overrule the checkpoint's own.
        truncate_dim: Numbers that are left of a vector, to overrule the checkpoint's own.
        pairs: Whether the artifact must take pairs of texts; it does anyway where its graph needs nothing more for it.

    Raises:
        CheckpointError: There is no such checkpoint, or one that can't be converted.
        MissingDependencyError: The hub is needed and its client isn't installed, or the weights are pickled and torch
            isn't.
    """
    place = find_checkpoint(model, revision)
    cross = read_cross_encoder(place.folder) if pooling is None else None
    if cross and pairs:
        raise CheckpointError(f"{model} is a cross-encoder, which takes nothing but pairs: leave --pairs out")
    modules = cross.modules if cross else read_modules(place.folder, pooling)
    _refuse_adapter(place.folder, modules.encoder)
    config = read_encoder_config(modules.encoder)
    check_architecture(config)
    check_width(modules, config.dim)
    library = read_library_settings(place.folder) if modules.listed else LibrarySettings()
    cut = choose_cut(modules.pooling, config.dim, asked=truncate_dim, own=library.truncate_dim)
    own_length = read_max_length(modules, config)
    chosen_length = choose_max_length(own_length, config, max_length)
    tokenizer = prepare_tokenizer(modules, config)
    return Checkpoint(
        place=place,
        config=config,
        pooling=replace(modules.pooling, cut=cut),
        own_pooling=modules.own_pooling,
        max_length=chosen_length,
        own_length=own_length,
        tokenizer_json=tokenizer.json,
        truncation_side=tokenizer.truncation_side,
        lowered=asks_lower_case(modules),
        weights=find_weights(modules.encoder),
        prompts=replace(library.prompts, pooled=modules.pooling.include_prompt),
        notes=(*modules.tell_of_pooling(), *tell_of_length(chosen_length, own_length), *library.notes),
        reranking=cross.reranking(tokenizer.json, config) if cross else None,
        pairs=None if cross else choose_pairs(modules.encoder, tokenizer.json, config, asked=pairs),
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _refuse_adapter(*folders: Path) -> None:
    path = next((folder / ADAPTER_FILE for folder in folders if (folder / ADAPTER_FILE).exists()), None)
    if path is not None:
        raise CheckpointError(
            f"{path} says that the weights are an adapter to another checkpoint's, the exporter reads whole ones: "
            "merge them with peft (merge_and_unload) and save the result"
        )


def find_checkpoint(model: str, revision: str | None = None) -> CheckpointLocation:
    """Find the folder of a checkpoint, fetching it from the hub if it isn't on disk.

    Raises:
        CheckpointError: It is neither a folder nor on the hub, or the hub can't be reached.
        MissingDependencyError: The hub's client isn't installed.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        if revision is not None:
            raise CheckpointError(f"{model} is a folder, which has no revision {revision!r}: leave --revision out")
        return _describe(folder)
    if folder.exists() or not HUB_ID.fullmatch(model):
        raise CheckpointError(
            f"{model} is neither a checkpoint folder nor a hub id: give a folder with config.json and "
            f"{WEIGHTS_FILE}, or an id such as FremyCompany/BioLORD-2023"
        )
    return _fetch(model, revision)


def _describe(folder: Path) -> CheckpointLocation:
    """Name a local checkpoint; a folder of the hub's cache says itself what it is."""
    match = HUB_SNAPSHOT.search(folder.resolve().as_posix())
    if match:
        return CheckpointLocation(folder, f"{match['owner']}/{match['name']}", match["revision"])
    return CheckpointLocation(folder, folder.resolve().name, None)


def _fetch(model: str, revision: str | None) -> CheckpointLocation:
    try:
        import huggingface_hub
        from huggingface_hub import errors
    except ImportError as error:
        raise MissingDependencyError(
            f"fetching a checkpoint from the hub needs huggingface-hub: {install_hint('export')}"
        ) from error
    failures: tuple[type[Exception], ...] = (*_http_errors(errors.HfHubHTTPError), OSError)
    try:
        folder = Path(huggingface_hub.snapshot_download(model, revision=revision, allow_patterns=list(HUB_FILES)))
        missing = _missing_weights(folder)
        if missing and can_unpickle():
            # Of the commit that was found, should the branch have moved on meanwhile.
            huggingface_hub.snapshot_download(model, revision=folder.name, allow_patterns=missing)
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise CheckpointError(f"the hub has no {model} at revision {revision or 'main'}: check both names") from error
    except errors.HFValidationError as error:
        raise CheckpointError(f"{model} is no hub id ({_first_line(error)}): check its spelling") from error
    except failures as error:
        raise CheckpointError(
            f"{model} could not be fetched from the hub ({_first_line(error)}): where there is no network, copy the "
            "checkpoint's folder here and give its path"
        ) from error
    return _describe(folder)


def _missing_weights(folder: Path) -> list[str]:
    """List what to fetch in place of safetensors that aren't there: of the encoder, and of each Dense module."""
    encoder = [] if any(folder.glob("model*.safetensors")) or any(folder.glob("0_*/model*.safetensors")) else PICKLES
    denses = [path for path in sorted(folder.glob("*_Dense")) if not (path / WEIGHTS_FILE).exists()]
    return [*encoder, *(f"{path.name}/{PICKLED_WEIGHTS}" for path in denses)]


def _http_errors(kind: type[Exception]) -> tuple[type[Exception], ...]:
    """Return the classes above the hub's error: the HTTP client's own, whichever client this release has."""
    return tuple(base for base in kind.__mro__ if issubclass(base, Exception) and base is not Exception)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
