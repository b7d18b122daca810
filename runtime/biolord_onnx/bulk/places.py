"""Where the files of a run are, and how its output gets its name."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from biolord_onnx.bulk.hidden import create, naming, remove_left, sync_folder
from biolord_onnx.errors import InputError

# The longest ending of a hidden name.
JOURNAL = "journal"


@dataclass(frozen=True, slots=True)
class Places:
    """Files of a run: always the same for an output; another run finds them.

    Attributes:
        output: The result.
        journal: Tells what is done; the process that has locked it owns the others.
        part: Gathers the vectors.
        seen: Has its name for a moment only.
        new: The result on its way, where vectors alone are not what is wanted.
    """

    output: Path
    journal: Path
    part: Path
    seen: Path
    new: Path

    @classmethod
    def beside(cls, output: str) -> Places:
        """Return the places that belong to an output."""
        path = Path(output)
        return cls(path, *(path.with_name(f".{path.name}.{kind}") for kind in (JOURNAL, "part", "seen", "new")))

    def is_published(self) -> bool:
        """Whether the output is there, and a process was killed before it had removed the vectors' first name."""
        return self.part.exists() and self.output.exists() and self.part.samefile(self.output)

    def clear(self) -> None:
        """Remove what belongs to the holder of the journal alone, and last the journal.

        Raises:
            InputError: Something stands there that no run leaves.
            OSError: A file can't be removed.
        """
        self.clear_leftovers(self.part, self.seen, self.new, self.journal)

    def clear_leftovers(self, *places: Path) -> None:
        """Remove what a process that was killed had left; the holder of the journal alone may."""
        for place in places:
            remove_left(place)

    def publish(self, write: Callable[[BinaryIO], None] | None, *, force: bool) -> None:
        """Let the output appear under its name, complete.

        Args:
            write: Writes it; None if the gathered vectors are the output. If it fails, what it wrote stays hidden.
            force: Whether it may replace a file.

        Raises:
            InputError: Something has appeared there.
            OSError: The disk is full, or failed.
        """
        if write is None:
            self._name(self.part, force=force)
            return
        remove_left(self.new)
        with naming(self.new), io.BufferedWriter(create(self.new)) as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
            self._name(self.new, force=force)

    def _name(self, ready: Path, *, force: bool) -> None:
        try:
            if force:
                ready.replace(self.output)
            else:
                _rename_to_nothing(ready, self.output)
            sync_folder(self.output.parent)
        except FileExistsError as error:
            raise InputError(
                f"{self.output} has appeared since the run began: move it away, or replace it with --force"
            ) from error
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.output)) from error


def _rename_to_nothing(old: Path, new: Path) -> None:
    """Rename a file unless something is there; `os.rename` would replace it."""
    try:
        os.link(old, new)
    except FileExistsError:
        raise
    except OSError as error:  # a file system without links, or another reason, which the next step meets, too
        if os.path.lexists(new):
            raise FileExistsError(str(new)) from error
        old.rename(new)
    else:
        old.unlink()
