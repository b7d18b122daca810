"""The public face of an index: open it, search it, look codes up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.errors import ArtifactError, InputError
from biolord_onnx.index.folder import IndexFolder, open_folder
from biolord_onnx.index.hits import Hit
from biolord_onnx.index.manifest import IndexManifest
from biolord_onnx.index.packing import Vectors
from biolord_onnx.index.ranking import rank
from biolord_onnx.index.scan import candidates
from biolord_onnx.index.scoring import unit_vectors
from biolord_onnx.index.wanted import Wanted
from biolord_onnx.printable import escape
from biolord_onnx.session.cores import available_cores

if TYPE_CHECKING:
    from biolord_onnx.embedder import Embedder
    from biolord_onnx.index.building.options import BuildOptions
    from biolord_onnx.index.building.vocabulary import Name, Vocabulary

TOP = 10
LINK_TERMS = 2048
"""Terms that `Index.link` embeds and looks for at once."""

Where = Mapping[str, str | Collection[str]]


class Index:
    """Names with their vectors. Safe to share between threads.

    An answer is that of a scan of all vectors, none is missed; the same on every CPU, and in any batch of queries.

    Examples:
        >>> with Embedder.load("biolord-2023-cpu-int8") as embedder:  # doctest: +SKIP
        ...     index = Index.build(embedder, ["Fever", "Cough"], "signs.index")
        ...     [hits] = index.search(["high temperature"], top=1)
    """

    def __init__(self, folder: IndexFolder, embedder: Embedder | None, threads: int) -> None:
        """Take a checked folder; `open` and `build` do that."""
        self._folder = folder
        self._embedder = embedder
        self._threads = threads

    @classmethod
    def build(
        cls,
        embedder: Embedder | Path | str,
        source: Vocabulary | Iterable[str | Name],
        path: Path | str,
        options: BuildOptions | None = None,
    ) -> Index:
        """Embed names into a new index.

        A build that was interrupted goes on where it stopped when it is called again. The index appears, or takes the
        place of the one that ``options`` lets it replace, when it is complete, not before.

        Args:
            embedder: Whose vectors the index holds; or the artifact, which is loaded for it.
            source: A file with names (`biolord_onnx.index.building.vocabulary.Vocabulary`), or names.
            path: Of the index, a folder.
            options: How it is built; None for the usual.

        Raises:
            InputError: There are no names, one can't be read, or something is at the path already.
            ArtifactError: The artifact can't be loaded.
            OSError: The disk is full or failed. What is done is kept.
        """
        from biolord_onnx.embedder import Embedder
        from biolord_onnx.index.building.build import build_index

        loaded = embedder if isinstance(embedder, Embedder) else Embedder.load(embedder)
        build_index(loaded, source, path, options)
        return cls.open(path, embedder=loaded)

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        embedder: Embedder | None = None,
        threads: int | None = None,
        verify_hashes: bool = False,
    ) -> Index:
        """Open an index. Its files are mapped, not read.

        Args:
            path: The folder.
            embedder: Embeds queries that are texts; of the artifact that the index was built with.
            threads: That share a scan; None takes the embedder's, or what affinity and cgroup quota allow.
            verify_hashes: Read all files and compare their SHA-256 with the manifest's. Sizes are always compared.

        Raises:
            ArtifactError: The folder is no index, a damaged one, of a later format, or of another artifact.
        """
        folder = open_folder(path, verify_hashes=verify_hashes)
        if embedder is not None:
            _check_artifact(folder, embedder.manifest.name, embedder.fingerprint)
        if threads is None and embedder is not None:
            threads = embedder.threads
        return cls(folder, embedder, available_cores(threads).count)

    @property
    def rows(self) -> int:
        """How many names there are."""
        return self.manifest.counts.rows

    @property
    def dim(self) -> int:
        """Numbers of a vector."""
        return self.manifest.dim

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that are kept."""
        return tuple(self._folder.columns)

    @property
    def manifest(self) -> IndexManifest:
        """What the index says of itself."""
        return self._folder.manifest

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the manifest: two indexes that have the same one hold the same."""
        return self._folder.fingerprint

    def search(
        self,
        queries: Sequence[str] | NDArray[np.float32],
        *,
        top: int | None = None,
        where: Where | None = None,
        min_score: float | None = None,
        all_names: bool = False,
        vectors: NDArray[np.float32] | None = None,
    ) -> list[list[Hit]]:
        """Find the nearest names.

        Names that equal a query but for case, width and spaces come first, then the nearest; of equally near ones the
        earlier row.

        Args:
            queries: n texts, or vectors [n, dim] of any length but 0, of the index's artifact.
            top: Most hits of a query, no more than there are rows; None for ten, or all where there are fewer.
            where: A value, or several, for each of some columns that are kept: other rows don't count.
            min_score: Smallest cosine of a hit that isn't exact.
            all_names: Show all names of a code, not the best alone.
            vectors: [n, dim] of queries that are texts, where they were embedded already.

        Returns:
            For each query its hits, best first.

        Raises:
            InputError: ``top`` is out of range, a column isn't kept, a query is empty or no vector, or texts are given
                to an index without an embedder.
            TypeError: A query is no text, or ``top`` no whole number.
            ArtifactError: A file holds something else than was written.
        """
        wanted = self._wanted(min(TOP, self.rows) if top is None else top, where, min_score, all_names=all_names)
        texts = None if isinstance(queries, np.ndarray) else _checked(queries)
        given = queries if texts is None else self._embed(texts) if vectors is None else vectors
        if texts is not None and len(given) != len(texts):
            raise InputError(f"there are {len(texts)} queries and {len(given)} vectors: give one for each")
        units = unit_vectors(given, self.dim)  # type: ignore[arg-type]
        found = candidates(self._folder.vectors, units, wanted, self._threads)
        return [
            rank(self._folder, query, rows, wanted, None if texts is None else texts[at])
            for at, (query, rows) in enumerate(zip(units, found, strict=True))
        ]

    def check_artifact(self, name: str, fingerprint: str) -> None:
        """Check that vectors are those of the index's artifact.

        Args:
            name: Of the artifact that they are of.
            fingerprint: Of it.

        Raises:
            ArtifactError: It is another one.
        """
        _check_artifact(self._folder, name, fingerprint)

    def link(
        self,
        terms: Sequence[str],
        *,
        top: int | None = None,
        where: Where | None = None,
        min_score: float | None = None,
        show_progress_bar: bool = False,
    ) -> list[list[Hit]]:
        """Find the nearest names of many terms: thousands at once, each different one a single time.

        Args:
            terms: n texts.
            top: As of `search`, like the rest.
            where: Likewise.
            min_score: Likewise.
            show_progress_bar: Draw a bar on stderr.

        Returns:
            For each term its hits, best first; none where nothing is near enough.

        Raises:
            InputError: As of `search`.
        """
        from biolord_onnx.encoding.progress import progress_bar

        different = list(dict.fromkeys(_checked(terms)))
        found: dict[str, list[Hit]] = {}
        with progress_bar(len(different), shown=show_progress_bar) as advance:
            for start in range(0, len(different), LINK_TERMS):
                some = different[start : start + LINK_TERMS]
                found |= zip(some, self.search(some, top=top, where=where, min_score=min_score), strict=True)
                advance(len(some))
        return [list(found[term]) for term in terms]

    def hit(self, row: int, score: float, *, exact: bool) -> Hit:
        """Return what stands in a row, with what is known about a query."""
        return self._folder.hit(row, score, exact=exact)

    def codes(self) -> Sequence[str] | None:
        """Return the different codes, sorted; None if the index has none."""
        return None if self._folder.codes is None else self._folder.codes.values

    def lookup(self, code: str, top: int | None = None) -> list[Hit]:
        """Return the names of a code in order; none if the index doesn't hold it.

        Args:
            code: As it stands in the index.
            top: Most names; None for all.

        Raises:
            InputError: The index has no codes, or ``top`` is negative.
            TypeError: The code is no text.
            ArtifactError: A file holds something else than was written.
        """
        codes = self._folder.codes
        if codes is None:
            raise InputError(f"{self._folder.path} has no codes: build it with --code")
        if not isinstance(code, str):
            raise TypeError(f"code is {type(code).__name__}, expected str")
        if top is not None and top < 0:
            raise InputError(f"top is {top}, expected 0 or more")
        return [self._folder.hit(row, 1.0, exact=True) for row in codes.rows_of(code)[:top]]

    def vectors(self, start: int = 0, stop: int | None = None) -> Vectors:
        """Return the vectors of consecutive rows as they are stored, float32 [stop - start, dim]."""
        return self._folder.vectors.restored(np.arange(*slice(start, stop).indices(self.rows)))

    def names(self, start: int = 0, stop: int | None = None) -> Iterator[Hit]:
        """Yield consecutive rows, with a score of 1."""
        for row in range(*slice(start, stop).indices(self.rows)):
            yield self._folder.hit(row, 1.0, exact=True)

    def __repr__(self) -> str:
        """Tell what it holds."""
        return f"<Index {self._folder.path} rows={self.rows} dim={self.dim} artifact={self.manifest.artifact.name}>"

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: a copy of the vectors would be, and a session can't be.

        Raises:
            TypeError: Always.
        """
        raise TypeError("an Index can't be pickled: call Index.open in the other process, the files are shared")

    def _wanted(self, top: int, where: Where | None, min_score: float | None, *, all_names: bool) -> Wanted:
        if isinstance(top, bool) or not isinstance(top, int | np.integer):
            raise TypeError(f"top is {type(top).__name__}, expected int")
        if not 1 <= top <= self.rows:
            raise InputError(f"top is {top}, expected 1 to {self.rows}, the rows of the index")
        least = -2.0 if min_score is None else min_score
        if not -2 <= least <= 1:
            raise InputError(f"min_score is {min_score}, expected a cosine from -1 to 1")
        codes = None if all_names or self._folder.codes is None else self._folder.codes.numbers
        return Wanted(int(top), least, codes, self._mask(where or {}))

    def _mask(self, where: Where) -> NDArray[np.bool_] | None:
        mask: NDArray[np.bool_] | None = None
        for name, value in where.items():
            column = self._folder.columns.get(name)
            if column is None:
                kept = ", ".join(map(escape, self._folder.columns)) or "none"
                raise InputError(f"the index keeps no column {name!r} to filter by, it keeps: {kept}")
            values: object = [value] if isinstance(value, str) else value
            if not (isinstance(values, Collection) and all(isinstance(one, str) for one in values)):
                raise TypeError(f"where has something else than str for {name!r}: give a value, or several")
            here = column.mask(values)
            mask = here if mask is None else mask & here
        return mask

    def _embed(self, texts: list[str]) -> Vectors:
        if self._embedder is None:
            raise InputError("the index was opened without an embedder: give it one for queries that are texts")
        vectors: Vectors = self._embedder.encode(texts, normalize=True)
        return vectors


def _checked(queries: Sequence[str]) -> list[str]:
    from biolord_onnx.encoding.texts import as_texts
    from biolord_onnx.io.rows import is_blank

    if isinstance(queries, str):
        raise TypeError("queries is str, expected a list of str: put the text in a list")
    texts = as_texts(queries)
    for at, text in enumerate(texts):
        if is_blank(text):
            raise InputError(f"query {at} is empty: give a text to look for")
    return texts


def _check_artifact(folder: IndexFolder, name: str, found: str) -> None:
    expected = folder.manifest.artifact
    if found != expected.fingerprint:
        raise ArtifactError(
            f"{folder.path} holds vectors of {expected.name} with fingerprint {expected.fingerprint[:12]}..., the "
            f"queries would be of {name} with {found[:12]}...: give that artifact, or build the "
            "index again with this one"
        )
