"""The road from names to an index."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import numpy as np

from biolord_onnx.artifact.bounded import read_file
from biolord_onnx.artifact.json_fields import parse_object
from biolord_onnx.artifact.stamps import sha256_of
from biolord_onnx.bulk.gathering import BulkOptions
from biolord_onnx.bulk.hidden import write_whole
from biolord_onnx.bulk.run import embed_to_file, run_identity
from biolord_onnx.bulk.source import Source
from biolord_onnx.embedder import Embedder
from biolord_onnx.encode_options import EncodeOptions
from biolord_onnx.errors import ArtifactError, InputError
from biolord_onnx.index.artifact import write_hint
from biolord_onnx.index.building.given import GivenVectors
from biolord_onnx.index.building.options import BuildOptions
from biolord_onnx.index.building.place import Place, building
from biolord_onnx.index.building.recall import measure_recall
from biolord_onnx.index.building.tables import Tables, write_tables
from biolord_onnx.index.building.template import Template
from biolord_onnx.index.building.texts import Texts, known_rows
from biolord_onnx.index.building.vectors import Gathered, write_vectors
from biolord_onnx.index.building.vocabulary import Name, Names, Vocabulary, open_names
from biolord_onnx.index.folder import IndexFolder, map_vectors, open_folder
from biolord_onnx.index.manifest import ArtifactIdentity, Counts, IndexManifest
from biolord_onnx.index.packing import Vectors
from biolord_onnx.loading import LoadOptions

_LARGEST_NOTE = 1 << 20


def build_index(
    embedder: Embedder, source: Vocabulary | Iterable[str | Name], path: Path | str, options: BuildOptions | None = None
) -> None:
    """Build an index; arguments and errors are those of `biolord_onnx.index.index.Index.build`."""
    chosen = options or BuildOptions()
    template = None if chosen.template is None else Template.parse(chosen.template)
    names = open_names(source, template)
    with (
        building(path, update=chosen.update, force=chosen.force) as place,
        closing(GivenVectors(place.given, embedder.dim)) as given,
    ):
        if chosen.restart:
            place.forget()
        place.clear()
        old = _old(place, embedder, chosen)
        tables = write_tables(names, place.data, given)
        _tell_left_out(tables, names, chosen)
        texts = Texts.of_tables(place.data, tables, template)
        gathered, truncated = _gather(texts, old, given, place, embedder, chosen)
        write_vectors(gathered, place.data, low=chosen.rescore)
        stored = map_vectors(place.data, tables.rows, embedder.dim, low=chosen.rescore)
        manifest = IndexManifest(
            ArtifactIdentity(embedder.manifest.name, embedder.fingerprint),
            embedder.dim,
            chosen.rescore,
            chosen.template,
            tables.columns,
            _counts(tables, names, truncated),
            measure_recall(stored, gathered),
            place.name,
            place.entries(),
        )
        write_hint(place.folder, embedder.path)
        place.publish(manifest.to_json())


def _tell_left_out(tables: Tables, names: Names, options: BuildOptions) -> None:
    left = {
        "without a name or code": names.skipped,
        "by --where": names.filtered,
        "synonyms of codes that aren't there": names.foreign,
        "the same as an earlier one": tables.repeated,
    }
    for why, count in left.items():
        if count:
            options.notify(f"rows left out, {why}: {count}")


def _old(place: Place, embedder: Embedder, options: BuildOptions) -> IndexFolder | None:
    if not options.update:
        return None
    old = open_folder(place.folder, verify_hashes=True)
    found = old.manifest.artifact
    if found.fingerprint != embedder.fingerprint:
        raise ArtifactError(
            f"{place.folder} holds vectors of {found.name} with fingerprint {found.fingerprint[:12]}..., not of "
            f"{embedder.manifest.name} with {embedder.fingerprint[:12]}...: replace it with --force"
        )
    if options.rescore and not old.manifest.rescore:
        raise InputError(
            f"{place.folder} was built with --rescore none, and its vectors lack the low bits: update it so, or "
            "replace it with --force"
        )
    return old


def _gather(  # noqa: PLR0917 - all that vectors may come from
    texts: Texts,
    old: IndexFolder | None,
    given: GivenVectors,
    place: Place,
    embedder: Embedder,
    options: BuildOptions,
) -> tuple[Gathered, int]:
    """Return the vectors, and how many are of cut texts: as given, as another index has them, or embedded now."""
    vectors = given.vectors()
    if vectors is not None:
        return Gathered(np.full(len(vectors), -1), None, vectors), 0
    known = known_rows(texts, old)
    vectors, truncated = _embed(texts.source(np.flatnonzero(known < 0)), place, embedder, options)
    return Gathered(known, old, vectors), truncated


def _embed(source: Source, place: Place, embedder: Embedder, options: BuildOptions) -> tuple[Vectors, int]:
    """Embed texts, unless an interrupted build had done so."""
    encoding = EncodeOptions(normalize=True, batch_tokens=options.batch_tokens)
    if not source.count:
        return np.empty((0, embedder.dim), np.float32), 0
    identity = dict(run_identity(source, embedder, encoding).fields)
    truncated = _done(place, identity, options)
    if truncated is None:
        bulk = BulkOptions(force=True, progress=options.progress, notify=options.notify, advice="make room")
        session = LoadOptions("")
        result = embed_to_file(source, str(place.vectors), session, embedder, options=encoding, bulk=bulk)
        truncated = result.truncated
        done = {"identity": identity, "truncated": truncated, "sha256": sha256_of(place.vectors)}
        write_whole(place.embedded, json.dumps(done))
    vectors: Vectors = np.load(place.vectors, mmap_mode="r")
    return vectors, truncated


def _done(place: Place, identity: dict[str, str], options: BuildOptions) -> int | None:
    """Return how many texts were cut when an interrupted build had embedded all; None if it hadn't."""
    if not (place.embedded.is_file() and place.vectors.is_file()):
        return None
    try:
        before, truncated = _note(place)
    except ArtifactError:
        options.notify(f"{place.folder}: what an interrupted build left is damaged, all names are embedded anew")
        return None
    for name, value in identity.items():
        if before.get(name) != value:
            raise InputError(
                f"{place.folder}: the vectors of an interrupted build are there, but its {name} was "
                f"{before.get(name)}, and is {value} now: run it as it was, or start anew with --restart"
            )
    return truncated


def _note(place: Place) -> tuple[dict[str, str], int]:
    """Read what vectors are of and how many of their texts were cut, if they are what was written."""
    content = read_file(place.embedded, _LARGEST_NOTE)
    fields = parse_object(content.decode("utf-8", "replace"), str(place.embedded))
    if sha256_of(place.vectors) != fields.text("sha256"):
        raise ArtifactError(f"{place.vectors} was changed")
    return fields.text_mapping("identity"), fields.integer("truncated", least=0)


def _counts(tables: Tables, names: Names, truncated: int) -> Counts:
    return Counts(tables.rows, tables.codes, tables.shared, tables.repeated, names.foreign, names.filtered, truncated)
