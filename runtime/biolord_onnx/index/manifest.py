"""The manifest of an index: what it was made of, by which artifact, and what its files hold."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from biolord_onnx.artifact.bounded import read_file
from biolord_onnx.artifact.json_fields import Fields, parse_object
from biolord_onnx.artifact.manifest import KIND_KEY, MANIFEST_NAME, FileEntry
from biolord_onnx.errors import ArtifactError

FORMAT = 1
KIND = "biolord index"
REMEDY = "build the index again"
LARGEST_MANIFEST = 1 << 20
MOST_CHARACTERS = 256
"""Of the name of a column that is kept."""
MOST_COLUMNS = 256
LONGEST_TEMPLATE = 65_536
_MOST_ROWS = 2**31 - 64
_MOST_DIMENSIONS = 4096
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DATA = re.compile(r"data-[0-9]{1,9}")
_FILE = re.compile(r"[a-z0-9]+(\.[a-z]+)?")


@dataclass(frozen=True, slots=True)
class ArtifactIdentity:
    """The artifact whose vectors an index holds.

    Attributes:
        name: That it gives itself.
        fingerprint: SHA-256 of its manifest, which names the hashes of all its files.
    """

    name: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class KeptColumn:
    """A column that is kept: its name, and how many different values it has."""

    name: str
    values: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How many there are.

    Attributes:
        rows: Names, each with a vector.
        codes: Different codes; None where names have none.
        shared: Codes with several names.
        repeated: Rows of the input that were left out, as an earlier one was the same.
        foreign: Synonyms that were left out, as their code isn't there.
        filtered: Rows of the input that the filter left out.
        truncated: Texts that this build embedded and that are longer than the model reads: their vectors are of their
            beginnings.
    """

    rows: int
    codes: int | None
    shared: int
    repeated: int
    foreign: int
    filtered: int
    truncated: int


@dataclass(frozen=True, slots=True)
class Recall:
    """How near a search comes to an exact scan of the vectors as the artifact gave them, measured as it was built.

    Attributes:
        overlap: Share of the nearest ten that are the same.
        queries: How many names were looked for.
    """

    overlap: float
    queries: int


@dataclass(frozen=True, slots=True)
class IndexManifest:
    """What an index says of itself.

    Attributes:
        artifact: Whose vectors it holds.
        dim: Numbers of a vector.
        rescore: Whether the low bits of the vectors are kept.
        template: How the texts that were embedded are made of names and columns; None: names as they are.
        columns: That are kept.
        counts: How many there are.
        recall: Measured.
        data: The folder with the files.
        files: Of it.
    """

    artifact: ArtifactIdentity
    dim: int
    rescore: bool
    template: str | None
    columns: tuple[KeptColumn, ...]
    counts: Counts
    recall: Recall
    data: str
    files: tuple[FileEntry, ...]

    def to_json(self) -> str:
        """Return the document."""
        return json.dumps({KIND_KEY: KIND, "format": FORMAT, **asdict(self)}, ensure_ascii=False, indent=2) + "\n"


@dataclass(frozen=True, slots=True)
class ManifestDocument:
    """A manifest as it was read, and the SHA-256 of its bytes."""

    manifest: IndexManifest
    fingerprint: str


def read_index_manifest(folder: Path) -> ManifestDocument:
    """Read the manifest of an index.

    Raises:
        ArtifactError: The folder is no index or a damaged one, or of a later format.
    """
    path = folder / MANIFEST_NAME
    if path.is_symlink():
        raise ArtifactError(f"{path} is a link: copy what it leads to into the folder")
    if not path.is_file():
        why = f"without {MANIFEST_NAME}, or not built to its end" if folder.is_dir() else "there is no such folder"
        raise ArtifactError(f"{folder} is no index ({why}): run biolord index first")
    content = read_file(path, LARGEST_MANIFEST)
    fields = parse_object(content.decode("utf-8", "replace"), str(path), REMEDY)
    if fields.members.get(KIND_KEY) != KIND:
        raise ArtifactError(f"{folder} holds another manifest than an index has: give what biolord index wrote")
    found = fields.integer("format", least=1)
    if found > FORMAT:
        raise ArtifactError(
            f"{path}: format {found}, this biolord-onnx reads {FORMAT}: install a later one, or {REMEDY}"
        )
    return ManifestDocument(_checked(_manifest(fields), path), hashlib.sha256(content).hexdigest())


def _manifest(fields: Fields) -> IndexManifest:
    artifact, recall = fields.child("artifact"), fields.child("recall")
    return IndexManifest(
        ArtifactIdentity(artifact.text("name", longest=256), _sha256(artifact, "fingerprint")),
        fields.integer("dim", least=1, most=_MOST_DIMENSIONS),
        fields.boolean("rescore"),
        fields.optional_text("template", longest=LONGEST_TEMPLATE),
        tuple(
            KeptColumn(column.text("name", longest=MOST_CHARACTERS), column.integer("values", least=1))
            for column in fields.children("columns")
        ),
        _counts(fields.child("counts")),
        Recall(recall.number("overlap"), recall.integer("queries", least=0)),
        fields.matching("data", _DATA, "the name of a folder, such as data-1"),
        tuple(_file(file) for file in fields.children("files")),
    )


def _checked(manifest: IndexManifest, path: Path) -> IndexManifest:
    names, rows = [column.name for column in manifest.columns], manifest.counts.rows
    most = max(manifest.counts.codes or 0, *(column.values for column in manifest.columns), 0)
    if most > rows or len(set(names)) < len(names) or len(names) > MOST_COLUMNS:
        raise ArtifactError(f"{path}: codes or columns are more than {rows} rows can have: {REMEDY}")
    return manifest


def _counts(fields: Fields) -> Counts:
    return Counts(
        fields.integer("rows", least=1, most=_MOST_ROWS),
        fields.optional_integer("codes", least=1),
        *(fields.integer(name, least=0) for name in ("shared", "repeated", "foreign", "filtered", "truncated")),
    )


def _file(fields: Fields) -> FileEntry:
    name = fields.matching("name", _FILE, "a plain name")
    return FileEntry(name, _sha256(fields, "sha256"), fields.integer("size", least=0))


def _sha256(fields: Fields, key: str) -> str:
    return fields.matching(key, _SHA256, "64 hexadecimal digits in lower case")
