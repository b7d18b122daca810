"""Build the fast tokenizer of an XLM-R checkpoint that has only ``sentencepiece.bpe.model``.

The file is a protocol buffer (sentencepiece's ``sentencepiece_model.proto``). What is made of it is what transformers
4.57 makes (``convert_slow_tokenizer.XLMRobertaConverter``): the pieces move up by one, for fairseq put ``<s>``,
``<pad>``, ``</s>`` and ``<unk>`` first, and ``<mask>`` comes last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from biolord_export.errors import CheckpointError
from biolord_onnx.errors import ArtifactError
from biolord_onnx.tokenizer.library import told

if TYPE_CHECKING:
    from pathlib import Path

MODEL_FILE = "sentencepiece.bpe.model"
FIRST = ("<s>", "<pad>", "</s>", "<unk>")
"""The special tokens that fairseq puts first."""
OWN_FIRST = ["<unk>", "<s>", "</s>"]
"""The pieces of sentencepiece that they take the place of."""
MASK = "<mask>"
UNSET, UNIGRAM = 0, 1
"""A model type that isn't stated is Unigram."""
CONTROL, USER_DEFINED = 3, 4
SPACE = "▁"
WAY_OUT = "save the checkpoint's fast tokenizer with transformers (AutoTokenizer.from_pretrained(…).save_pretrained(…))"
_FIELD = descriptor_pb2.FieldDescriptorProto
_FIELDS = {
    "Piece": (("piece", 1, _FIELD.TYPE_STRING), ("score", 2, _FIELD.TYPE_FLOAT), ("type", 3, _FIELD.TYPE_INT32)),
    "Trainer": (("model_type", 3, _FIELD.TYPE_INT32), ("byte_fallback", 35, _FIELD.TYPE_BOOL)),
    "Normalizer": (("precompiled_charsmap", 2, _FIELD.TYPE_BYTES),),
}
"""The fields that are looked at, under their numbers in sentencepiece_model.proto."""


def model_class() -> type[Any]:
    """Return the message class of a sentencepiece model, as far as it is looked at."""
    file = descriptor_pb2.FileDescriptorProto(name="sentencepiece.proto", package="biolord", syntax="proto2")
    for name, fields in _FIELDS.items():
        kind = file.message_type.add(name=name)
        for field, number, scalar in fields:
            kind.field.add(name=field, number=number, type=scalar, label=_FIELD.LABEL_OPTIONAL)
    model = file.message_type.add(name="Model")
    for number, (field, name) in enumerate(
        (("pieces", "Piece"), ("trainer_spec", "Trainer"), ("normalizer_spec", "Normalizer")), start=1
    ):
        label = _FIELD.LABEL_REPEATED if field == "pieces" else _FIELD.LABEL_OPTIONAL
        model.field.add(name=field, number=number, type=_FIELD.TYPE_MESSAGE, type_name=f".biolord.{name}", label=label)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found: type[Any] = message_factory.GetMessageClass(pool.FindMessageTypeByName("biolord.Model"))
    return found


def build_unigram(path: Path) -> str:
    """Build the tokenizer of an XLM-R sentencepiece model.

    Returns:
        The text of a ``tokenizer.json``.

    Raises:
        CheckpointError: The file is no sentencepiece model, or one that isn't converted exactly.
    """
    model = _read(path)
    pieces = [(name, 0.0) for name in FIRST]
    pieces += [(piece.piece, piece.score) for piece in model.pieces[len(OWN_FIRST) :]]
    pieces.append((MASK, 0.0))
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=FIRST.index("<unk>")))
    tokenizer.normalizer = normalizers.Sequence(
        [
            *_charsmap(model.normalizer_spec.precompiled_charsmap, path),
            normalizers.Strip(left=False, right=True),
            normalizers.Replace(Regex(" {2,}"), SPACE),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement=SPACE, prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", FIRST.index("<s>")), ("</s>", FIRST.index("</s>"))],
    )
    tokenizer.add_special_tokens(
        [
            *(AddedToken(name, normalized=False, special=True) for name in FIRST),
            AddedToken(MASK, lstrip=True, normalized=False, special=True),
        ]
    )
    return tokenizer.to_str()


def _read(path: Path) -> Any:  # noqa: ANN401  # a message class that is made at run time has no type
    model: Any = model_class()()
    try:
        model.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise CheckpointError(
            f"{path} is not a sentencepiece model ({error}): download the checkpoint again"
        ) from error
    kind, fallback = model.trainer_spec.model_type, model.trainer_spec.byte_fallback
    if kind not in {UNSET, UNIGRAM} or fallback:
        raise CheckpointError(
            f"{path} is of model type {kind}, byte fallback {fallback}, expected {UNIGRAM} (Unigram) without: {WAY_OUT}"
        )
    first = [piece.piece for piece in model.pieces[: len(OWN_FIRST)]]
    if first != OWN_FIRST:
        raise CheckpointError(f"{path} begins with the pieces {first}, expected {OWN_FIRST}: {WAY_OUT}")
    own = [piece.piece for piece in model.pieces[len(OWN_FIRST) :] if piece.type in {CONTROL, USER_DEFINED}]
    if own:
        raise CheckpointError(f"{path} has special tokens of its own, {', '.join(own)}, XLM-R's has none: {WAY_OUT}")
    return model


def _charsmap(rules: bytes, path: Path) -> list[normalizers.Normalizer]:
    if not rules:
        return []
    try:
        with told(f"{path} has normalization rules that tokenizers can't read"):
            return [normalizers.Precompiled(rules)]
    except ArtifactError as error:
        raise CheckpointError(f"{error}: download the checkpoint again") from error
