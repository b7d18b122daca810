"""The manifest of an artifact: where it came from, how it was made, how faithful it is, what it needs."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from biolord_onnx.artifact.json_fields import Fields, JSONObject, parse_object
from biolord_onnx.artifact.pairing import PairFrame
from biolord_onnx.artifact.prompts import Prompts
from biolord_onnx.artifact.reranking import Reranking
from biolord_onnx.errors import ArtifactError

FORMAT = 2
MANIFEST_NAME = "manifest.json"
KIND_KEY = "kind"
"""Not in an artifact's manifest, but in those of an index and whatever else has one."""
_LONGEST_KIND = 64
MODEL_NAME = "model.onnx"
TOKENIZER_NAME = "tokenizer.json"
PIECES_NAME = "pieces.bin"

LONGEST_TEXT = 4096
"""Characters of a text in a manifest: notices have some hundred."""
MOST_FILES = 64
MOST_TOKENS = 65_536
MOST_DIMENSIONS = 65_536
LARGEST_ID = 2**31 - 1
MOST_GOLDEN_TEXTS = 64
LATEST_OPERATORS = 2**31 - 1

# Names stand in paths, in wheels' metadata, in Dockerfiles and on terminals: letters that mean nothing in any of them.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_NAME_WORDS = "a name of 1 to 128 letters, digits, dots, underscores and dashes that begins with a letter or digit"
_POOLING = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")
_POOLING_WORDS = "modes of 1 to 128 letters, digits, dots, underscores and dashes, with + between them"
RIGHT, LEFT = "right", "left"
_SIDE = re.compile(f"{RIGHT}|{LEFT}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SHA256_WORDS = "64 hexadecimal digits in lower case"
_VERSION = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6}){0,3}")


@dataclass(frozen=True, slots=True)
class MaxLength:
    """How many tokens a text may have, special tokens included, and which file of the checkpoint said so."""

    value: int
    source: str


@dataclass(frozen=True, slots=True)
class Source:
    """The checkpoint: its hub id or folder name, its revision, and the SHA-256 of each weights file."""

    id: str
    revision: str | None
    weights: dict[str, str]


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file of the artifact: plain name, SHA-256 in hexadecimal, size in bytes."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class BatchInvariance:
    """The largest absolute difference between a text's vector alone and in any batch, and why it isn't 0."""

    bound: float
    reason: str


@dataclass(frozen=True, slots=True)
class Requirements:
    """What the machine must have.

    Attributes:
        onnxruntime: The lowest release.
        cpu_any_of: CPU features, by their Linux names, of which one must be there; none listed means any CPU. Where
            they stand for 8-bit dot products, a CPU without them will do if the kernels prove exact on it, and one
            with them won't if they don't (``cpu.check_requirements``).
        operators: Domains of compiled operators that the graph uses beside onnxruntime's own, and the version of each.
    """

    onnxruntime: str
    cpu_any_of: tuple[str, ...]
    operators: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Golden:
    """Texts whose vectors have the same bits on every CPU.

    Attributes:
        texts: What is encoded, in one call, with the checkpoint's own normalization; a reranker scores all but the
            first for the first.
        sha256: Of the vectors' bytes, float32 in little-endian order, one vector after another; of a reranker's scores
            before the activation.
    """

    texts: tuple[str, ...]
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """``manifest.json`` of artifact format 2.

    Attributes:
        name: Name of the artifact, checkpoint and target.
        target: What it was exported for, such as ``cpu-int8``.
        architecture: Family of the graph, such as ``mpnet``.
        dim: Length of a vector.
        max_length: Token limit of one text and its origin.
        pooling: How tokens become one vector, such as ``mean``; ``cls+mean`` joins two.
        normalized: Whether ``sentence_embedding`` has unit length already.
        pad_id: Token id that fills up shorter rows.
        source: The checkpoint.
        quantization: Free-form record of the exporter.
        fidelity: Free-form report of the exporter, or None when it wasn't measured.
        batch_invariance: What a batch may change.
        files: Every file of the folder but the manifest.
        requires: What the machine must have.
        golden: What vectors must be on every machine; None for targets whose float operators differ between CPUs.
        tools: Versions of what made it.
        created: ISO 8601 time.
        license: Notice to show to users.
        prompts: What the checkpoint wants in front of texts.
        truncation_side: Which end of a text over the limit is cut off, ``right`` or ``left``.
        whole_dim: Length of a vector before the export cut it to ``dim``; None where it didn't.
        notes: What a user of its vectors must know, one per line: options that overruled the checkpoint, for one.
        reranking: How a cross-encoder scores pairs of texts; None for artifacts that embed texts.
        pairs: How an artifact that embeds texts joins two into one row; None if it takes no pairs.
        format: Version of this layout.
    """

    name: str
    target: str
    architecture: str
    dim: int
    max_length: MaxLength
    pooling: str
    normalized: bool
    pad_id: int
    source: Source
    quantization: JSONObject
    fidelity: JSONObject | None
    batch_invariance: BatchInvariance
    files: tuple[FileEntry, ...]
    requires: Requirements
    golden: Golden | None
    tools: dict[str, str]
    created: str
    license: str
    prompts: Prompts = field(default_factory=Prompts)
    truncation_side: str = RIGHT
    whole_dim: int | None = None
    notes: tuple[str, ...] = ()
    reranking: Reranking | None = None
    pairs: PairFrame | None = None
    format: int = FORMAT

    @classmethod
    def from_json(cls, text: str, path: Path | str = MANIFEST_NAME) -> Manifest:
        """Read a manifest.

        Unknown top-level keys are ignored: a later writer of the same format may add some. ``kind`` stands in manifests
        of other things, such as an index.

        Args:
            text: The JSON document.
            path: Where it came from, for messages.

        Raises:
            ArtifactError: Not JSON, of another kind or format, a missing key or a value of a wrong type or range.
        """
        fields = parse_object(text, str(path))
        _check_format(fields)
        return cls(
            name=_name(fields, "name"),
            target=_name(fields, "target"),
            architecture=_name(fields, "architecture"),
            dim=fields.integer("dim", least=1, most=MOST_DIMENSIONS),
            max_length=_max_length(fields.child("max_length")),
            pooling=fields.matching("pooling", _POOLING, _POOLING_WORDS),
            normalized=fields.boolean("normalized"),
            pad_id=fields.integer("pad_id", least=0, most=LARGEST_ID),
            source=_source(fields.child("source")),
            quantization=fields.mapping("quantization"),
            fidelity=fields.optional_mapping("fidelity"),
            batch_invariance=_batch_invariance(fields.child("batch_invariance")),
            files=_files(fields),
            requires=_requirements(fields.child("requires")),
            golden=_golden(fields.optional_child("golden")),
            tools=fields.text_mapping("tools", longest=LONGEST_TEXT),
            created=fields.text("created", longest=LONGEST_TEXT),
            license=fields.text("license", longest=LONGEST_TEXT),
            prompts=Prompts.from_fields(fields.child("prompts")) if "prompts" in fields.members else Prompts(),
            truncation_side=_truncation_side(fields),
            whole_dim=_whole_dim(fields),
            notes=fields.texts("notes", longest=LONGEST_TEXT),
            reranking=_reranking(fields),
            pairs=_pairs(fields),
        )

    def to_json(self) -> str:
        """Write the manifest as indented JSON, ``format`` first, ending in a newline."""
        members = asdict(self)
        ordered = {"format": members.pop("format"), **members}
        return json.dumps(ordered, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    @property
    def drops_padding(self) -> bool:
        """Whether the graph takes padding out before it computes, so that it changes no bit and costs little.

        Graphs that the exporter writes itself do, the compiled operators at once; the portable ones, which optimum
        traces, don't.
        """
        return not self.target.startswith("portable-")

    def file(self, name: str) -> FileEntry | None:
        """Return the entry of the file ``name``, or None."""
        return next((entry for entry in self.files if entry.name == name), None)


def _check_format(fields: Fields) -> None:
    if KIND_KEY in fields.members:
        kind = fields.text(KIND_KEY, longest=_LONGEST_KIND)
        raise ArtifactError(
            f"{fields.source} belongs to a {kind}: give an artifact, a folder that biolord export wrote"
        )
    found = fields.integer("format", least=1)
    if found != FORMAT:
        remedy = "upgrade with pip install -U biolord-onnx" if found > FORMAT else "export it again"
        raise ArtifactError(
            f"{fields.source}: the artifact has format {found}, this biolord-onnx reads format {FORMAT}: {remedy}"
        )


def _max_length(fields: Fields) -> MaxLength:
    value = fields.integer("value", least=1, most=MOST_TOKENS)
    return MaxLength(value, fields.text("source", longest=LONGEST_TEXT))


def _source(fields: Fields) -> Source:
    return Source(
        fields.text("id", longest=LONGEST_TEXT),
        fields.optional_text("revision", longest=LONGEST_TEXT),
        fields.text_mapping("weights", longest=LONGEST_TEXT),
    )


def _batch_invariance(fields: Fields) -> BatchInvariance:
    return BatchInvariance(fields.number("bound"), fields.text("reason", longest=LONGEST_TEXT))


def _requirements(fields: Fields) -> Requirements:
    version = fields.matching("onnxruntime", _VERSION, "a version such as '1.20'")
    operators = fields.integer_mapping("operators", least=1, most=LATEST_OPERATORS)
    return Requirements(version, fields.texts("cpu_any_of", longest=LONGEST_TEXT), operators)


def _golden(fields: Fields | None) -> Golden | None:
    if fields is None:
        return None
    texts = fields.texts("texts", longest=LONGEST_TEXT)
    if not 1 <= len(texts) <= MOST_GOLDEN_TEXTS:
        raise ArtifactError(f"{fields.source}: texts lists {len(texts)}, expected 1 to {MOST_GOLDEN_TEXTS}")
    return Golden(texts, fields.matching("sha256", _SHA256, _SHA256_WORDS))


def _later_child(fields: Fields, key: str) -> Fields | None:
    """Return an object that artifacts from before it was thought of don't have."""
    return fields.optional_child(key) if key in fields.members else None


def _reranking(fields: Fields) -> Reranking | None:
    found = _later_child(fields, "reranking")
    return None if found is None else Reranking.from_fields(found)


def _pairs(fields: Fields) -> PairFrame | None:
    found = _later_child(fields, "pairs")
    return None if found is None else PairFrame.from_fields(found)


def _truncation_side(fields: Fields) -> str:
    if "truncation_side" not in fields.members:
        return RIGHT
    return fields.matching("truncation_side", _SIDE, f"{RIGHT!r} or {LEFT!r}")


def _whole_dim(fields: Fields) -> int | None:
    return fields.optional_integer("whole_dim", least=1) if "whole_dim" in fields.members else None


def _files(fields: Fields) -> tuple[FileEntry, ...]:
    entries = tuple(_file_entry(child) for child in fields.children("files"))
    if len(entries) > MOST_FILES:
        raise ArtifactError(f"{fields.source}: files lists {len(entries)}, expected {MOST_FILES} at most")
    # Some file systems don't tell capitals from small letters.
    counts = Counter(entry.name.lower() for entry in entries)
    for name, count in counts.items():
        if count > 1:
            raise ArtifactError(f"{fields.source}: files lists {name!r} {count} times, expected once")
    return entries


def _file_entry(fields: Fields) -> FileEntry:
    digest = fields.matching("sha256", _SHA256, _SHA256_WORDS)
    return FileEntry(_name(fields, "name"), digest, fields.integer("size", least=0))


def _name(fields: Fields, key: str) -> str:
    return fields.matching(key, NAME, _NAME_WORDS)
