"""Where names come from: a table with their codes, and perhaps another one with synonyms; or a program."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.bulk.reading import Columns, Row, read_rows
from biolord_onnx.errors import InputError
from biolord_onnx.index.building.template import NAME, Template
from biolord_onnx.index.manifest import LONGEST_TEMPLATE, MOST_CHARACTERS, MOST_COLUMNS
from biolord_onnx.io.rows import ColumnOptions, Empty, EmptyPolicy, Layout, is_blank

# Of a character: no file can hold it.
_HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Name:
    """A name to be found.

    Attributes:
        text: The name.
        code: What it stands for; all names of an index have one, or none.
        kept: Values of the columns that are kept, in their order.
        vector: Of length 1, [dim], where the artifact was run elsewhere; all names have one, or none.
    """

    text: str
    code: str | None = None
    kept: tuple[str, ...] = ()
    vector: NDArray[np.float32] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Synonyms:
    """A table with further names of codes, such as Athena's CONCEPT_SYNONYM.

    Attributes:
        file: Path of the table.
        code: Column of the codes.
        text: Column of the names.
        layout: Of the table.
    """

    file: str
    code: str
    text: str
    layout: Layout = field(default_factory=Layout)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A file with names.

    Attributes:
        file: Path of a table, or of a text with a name a line; ``-`` for standard input.
        text: Column of the names; None for lines.
        code: Column of their codes; None if they have none.
        keep: Further columns that are kept with each name, to be shown and filtered by.
        where: Rows of other values in these columns are left out.
        layout: Of the file.
        empty: Whether rows without a name or code are refused, or skipped.
        synonyms: Further names.
    """

    file: str
    text: str | None = None
    code: str | None = None
    keep: tuple[str, ...] = ()
    where: Mapping[str, str | Collection[str]] = field(default_factory=dict)
    layout: Layout = field(default_factory=Layout)
    empty: EmptyPolicy = "refuse"
    synonyms: Synonyms | None = None


@dataclass(slots=True)
class Names:
    """Names that are read once.

    Attributes:
        columns: Names of the columns that are kept.
        coded: Whether names have codes; None if that is seen from the first.
        read: Starts reading.
        filtered: Rows that the filter left out, once all is read.
        foreign: Synonyms of codes that aren't there, likewise.
        skipped: Rows without a name or code, likewise.
    """

    columns: tuple[str, ...]
    coded: bool | None
    read: Callable[[], Iterator[Name]]
    filtered: int = 0
    foreign: int = 0
    skipped: int = 0


def open_names(source: Vocabulary | Iterable[str | Name], template: Template | None) -> Names:
    """Prepare to read names.

    Args:
        source: Where they come from.
        template: Whose columns are kept, too.

    Raises:
        InputError: Columns contradict each other.
    """
    if template and len(template.source) > LONGEST_TEMPLATE:
        raise InputError(f"the template has {len(template.source)} characters, expected {LONGEST_TEMPLATE} at most")
    if not isinstance(source, Vocabulary):
        return _given(source, template)
    columns = tuple(dict.fromkeys((*source.keep, *(template.columns if template else ()))))
    if len(columns) > MOST_COLUMNS or any(len(name) > MOST_CHARACTERS for name in columns):
        raise InputError(f"an index keeps {MOST_COLUMNS} columns at most, with names of {MOST_CHARACTERS} characters")
    if template and NAME in columns:
        raise InputError(f"--keep {NAME} and a template: {{{NAME}}} there is the text of --text, rename the column")
    if source.synonyms and source.code is None:
        raise InputError(f"{source.synonyms.file} has synonyms of codes: name the column of codes with --code, too")
    names = Names(columns, source.code is not None, lambda: iter(()))
    names.read = lambda: _read(source, names)
    return names


def _given(source: Iterable[str | Name], template: Template | None) -> Names:
    if isinstance(source, str | bytes):
        raise TypeError(f"the names are {type(source).__name__}, expected a list of str, or a Vocabulary for a file")
    if template and template.columns:
        raise InputError(f"the template has {{{template.columns[0]}}}, and names that a program gives have no columns")

    def read() -> Iterator[Name]:
        for at, given in enumerate(source):
            name = _checked(given, at)
            if template and name.vector is not None:
                raise InputError(f"name {at} comes with a vector, and a template says what is embedded: leave one out")
            yield name

    return Names((), None, read)


def _checked(given: object, at: int) -> Name:
    name = Name(given) if isinstance(given, str) else given
    if not isinstance(name, Name):
        raise TypeError(f"name {at} is {type(name).__name__}, expected str or Name")
    for what, text in (("name", name.text), ("the code of name", "-" if name.code is None else name.code)):
        if not isinstance(text, str):
            raise TypeError(f"{what} {at} is {type(text).__name__}, expected str")
        if is_blank(text):
            raise InputError(f"{what} {at} is empty: leave it out")
        if _HALF.search(text):
            raise InputError(f"{what} {at} has a lone surrogate: decode the original bytes as UTF-8")
    if name.kept:
        raise InputError(f"name {at} has columns to keep, which only a table has: write one, and give a Vocabulary")
    return name


def _read(source: Vocabulary, names: Names) -> Iterator[Name]:
    kept: dict[str, tuple[str, ...]] = {}
    for row in _filtered(source, names):
        code = None if row.id is None else str(row.id)
        if code is not None and source.synonyms is not None:
            kept.setdefault(code, row.more[: len(names.columns)])
        yield Name(row.text, code, row.more[: len(names.columns)])
    if source.synonyms is not None:
        yield from _synonyms(source.synonyms, source.empty, kept, names)


def _filtered(source: Vocabulary, names: Names) -> Iterator[Row]:
    filters = {name: {value} if isinstance(value, str) else set(value) for name, value in source.where.items()}
    more = (*names.columns, *(name for name in filters if name not in names.columns))
    tests = [(more.index(name), values) for name, values in filters.items()]
    empty = Empty(source.empty, "fill it, or choose --empty skip to leave such rows out")
    options = ColumnOptions("--text", "--code", "--keep or --where")
    for row in read_rows(source.file, Columns(source.text, source.code, source.layout, empty, more, options)):
        if all(row.more[at] in values for at, values in tests):
            yield row
        else:
            names.filtered += 1
    names.skipped += empty.count


def _synonyms(
    source: Synonyms, policy: EmptyPolicy, kept: Mapping[str, tuple[str, ...]], names: Names
) -> Iterator[Name]:
    empty = Empty(policy, "fill it, or choose --empty skip to leave such rows out")
    options = ColumnOptions("--synonym-text", "--synonym-code")
    for row in read_rows(source.file, Columns(source.text, source.code, source.layout, empty, (), options)):
        values = kept.get(str(row.id))
        if values is None:
            names.foreign += 1
        else:
            yield Name(row.text, str(row.id), values)
    names.skipped += empty.count
