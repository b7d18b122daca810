"""Writes what is generated in docs/ anew: `make reference-pages`. Look at what changed before committing it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from biolord_onnx.server.app import make_app
from biolord_onnx.server.settings import ServerSettings
from documentation import command_line, gates, routes
from guards.readme import DOCS
from unit.runtime.tiny_artifact import write_tiny_artifact

CLI = DOCS / "reference" / "cli.md"
HTTP = DOCS / "reference" / "http.md"
FIDELITY = DOCS / "explanation" / "fidelity.md"


def generated(artifact: Path) -> Iterator[tuple[Path, str]]:
    """Yield each page with the text that it has to have.

    Args:
        artifact: any, for a server to describe itself with.
    """
    yield CLI, command_line.page()
    app = make_app(ServerSettings(str(artifact), threads=1))
    try:
        yield HTTP, routes.page(app)
    finally:
        app.state.services.close()
    yield FIDELITY, gates.rewritten(FIDELITY.read_text(encoding="utf-8"))


def main() -> None:
    """Write the pages, and say which of them changed."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in generated(write_tiny_artifact(Path(folder) / "tiny")):
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8")
                sys.stderr.write(f"{path.relative_to(DOCS.parent)} changed\n")


if __name__ == "__main__":
    main()
