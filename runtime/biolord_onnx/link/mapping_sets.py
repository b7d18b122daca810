"""What SSSOM asks about a set of mappings beside the mappings: prefixes, an identifier, a license."""

from __future__ import annotations

import re
from dataclasses import dataclass

from biolord_onnx.errors import InputError

NO_LICENSE = "https://w3id.org/sssom/license/unspecified"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
_LOCAL = re.compile(r"[^\s<>\"{}|\\^`]+")


@dataclass(frozen=True, slots=True)
class Prefix:
    """Stands for the beginning of identifiers.

    Attributes:
        name: Before the colon.
        address: What it stands for, an IRI.
    """

    name: str
    address: str

    @classmethod
    def parse(cls, text: str, option: str) -> Prefix:
        """Read ``NAME=IRI``.

        Raises:
            InputError: It is something else.
        """
        name, _, address = text.partition("=")
        if not (_NAME.fullmatch(name) and _ADDRESS.fullmatch(address)):
            raise InputError(f"{option} is {text!r}, expected NAME=IRI, as DOID=http://purl.obolibrary.org/obo/DOID_")
        return cls(name, address)


@dataclass(frozen=True, slots=True)
class MappingSet:
    """A set of mappings.

    Attributes:
        identifier: Of the set, an IRI.
        license: Of the set, an IRI.
        objects: Prefixes of the index's codes; codes without one have the first.
        subjects: The prefix of the terms' ids.
        source: The vocabulary in which terms are looked for, with one of the prefixes; None if nobody says.
    """

    identifier: str = ""
    license: str = NO_LICENSE
    objects: tuple[Prefix, ...] = ()
    subjects: Prefix | None = None
    source: str | None = None

    def object_id(self, code: str | None) -> str:
        """Return a code of the index with its prefix.

        Raises:
            InputError: There is no code, it can't be written, or its prefix is not known.
        """
        known = [prefix.name for prefix in self.objects]
        if code is not None and code.partition(":")[0] in known and ":" in code:
            return _checked(code, code)
        if code is None or ":" in code:
            raise InputError(
                f"the code {code!r} has none of the prefixes that --prefix names: {', '.join(known) or 'none'}"
            )
        return _checked(f"{known[0]}:{code}", code)

    def subject_id(self, known_by: object) -> str:
        """Return the id of a term with its prefix.

        Raises:
            InputError: It can't be written.
        """
        assert self.subjects is not None
        text = str(known_by)
        return _checked(text if text.startswith(f"{self.subjects.name}:") else f"{self.subjects.name}:{text}", text)

    def prefixes(self) -> list[Prefix]:
        """Return all prefixes, by name."""
        known = {prefix.name: prefix for prefix in (*self.objects, *([self.subjects] if self.subjects else []))}
        return [known[name] for name in sorted(known)]


def check_address(text: str, option: str) -> str:
    """Return an IRI.

    Raises:
        InputError: It is none.
    """
    if not _ADDRESS.fullmatch(text):
        raise InputError(f"{option} is {text!r}, expected an IRI, as https://example.org/sets/1")
    return text


def _checked(identifier: str, given: str) -> str:
    if not _LOCAL.fullmatch(identifier):
        raise InputError(f"{given!r} has a character that identifiers of SSSOM can't have: choose another --format")
    return identifier
