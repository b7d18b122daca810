"""``biolord info``: what an artifact is and how it would run here."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from biolord_onnx.artifact.manifest import RIGHT
from biolord_onnx.cli.arguments import add_artifact
from biolord_onnx.cli.output import say
from biolord_onnx.errors import BiolordError, InputError
from biolord_onnx.printable import escape

if TYPE_CHECKING:
    from biolord_onnx.artifact.folder import Artifact
    from biolord_onnx.artifact.json_fields import JSONObject
    from biolord_onnx.artifact.manifest import Manifest
    from biolord_onnx.artifact.prompts import Prompts
    from biolord_onnx.golden import GoldenCheck
    from biolord_onnx.session.kernel_kinds import Kinds

SUMMARY = "show an artifact's manifest and how it would run here"
EXIT_OTHER_BITS = 1


@dataclass(frozen=True, slots=True)
class Here:
    """How an artifact would run on this machine.

    Attributes:
        provider: Short name of the execution provider, None where nothing runs it.
        problem: Why it doesn't run, or None.
        onnxruntime: Installed version, or None.
        providers: Installed providers, by onnxruntime's names.
        threads: Cores that would be used.
        threads_reason: What set that number.
        cpu: The CPU's name.
        cpu_features: Its instruction sets that matter to artifacts.
        kernels: Kinds of kernels of the compiled operators: what runs, what can, and why none does.
        notes: What makes it slower here than it could be, one sentence each.
    """

    provider: str | None
    problem: str | None
    onnxruntime: str | None
    providers: list[str]
    threads: int
    threads_reason: str
    cpu: str
    cpu_features: list[str]
    kernels: Kinds
    notes: list[str]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_artifact(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--check",
        action="store_true",
        help="load the artifact and compare the golden texts' vectors, bit by bit; exit 1 if they differ here",
    )


def run(args: argparse.Namespace) -> int:
    """Check the artifact, hashes and what the files hold included, and print what is known about it."""
    from biolord_onnx.artifact.folder import open_artifact
    from biolord_onnx.contents import check_contents

    artifact = open_artifact(args.artifact)
    check_contents(artifact)
    here = look_around(artifact.manifest)
    golden = _compare(artifact) if args.check else None
    if args.json:
        members = {
            "path": str(artifact.path),
            "manifest": json.loads(artifact.manifest.to_json()),
            "here": asdict(here),
            "golden": golden and {**asdict(golden), "same": golden.same},
        }
        say(json.dumps(members, indent=2, ensure_ascii=False))
    else:
        say(_table(artifact, here, golden))
    return EXIT_OTHER_BITS if golden and not golden.same else 0


def _compare(artifact: Artifact) -> GoldenCheck:
    from biolord_onnx.golden import check_golden

    found = check_golden(artifact)
    if found is None:
        raise InputError(
            f"{artifact.manifest.name} has no golden vectors to compare with: float operators differ between CPUs, so "
            f"{artifact.manifest.target} artifacts have none; leave --check out"
        )
    return found


def look_around(manifest: Manifest) -> Here:
    """Find out how an artifact would run, without loading it."""
    from biolord_onnx.session.amx import amx_note
    from biolord_onnx.session.cores import available_cores
    from biolord_onnx.session.cpu import NOTEWORTHY_FEATURES, cpu_features, cpu_model
    from biolord_onnx.session.engine import import_onnxruntime
    from biolord_onnx.session.kernel_kinds import find_kinds, refused_note
    from biolord_onnx.session.plugins import available_providers
    from biolord_onnx.session.session import select_provider

    provider = problem = version = None
    providers: list[str] = []
    try:
        ort = import_onnxruntime()
        version, providers = ort.__version__, available_providers(ort)
        provider = select_provider(ort, manifest).name
    except BiolordError as error:
        problem = str(error)
    cores, features, kinds = available_cores(), cpu_features(), find_kinds()
    # Which of the two multiplies 8-bit numbers.
    note = refused_note(kinds, features) if manifest.requires.operators else version and amx_note(version, features)
    return Here(
        provider=provider,
        problem=problem,
        onnxruntime=version,
        providers=providers,
        threads=cores.count,
        threads_reason=cores.reason,
        cpu=cpu_model(),
        cpu_features=[name for name in NOTEWORTHY_FEATURES if name in features],
        kernels=kinds,
        notes=[note] if note else [],
    )


def _table(artifact: Artifact, here: Here, golden: GoldenCheck | None) -> str:
    manifest = artifact.manifest
    sections = {
        manifest.name: _identity(artifact),
        "quantization": _flatten(manifest.quantization),
        "fidelity": _flatten(manifest.fidelity or {"measured": False}),
        "here": {
            "provider": here.provider or "none",
            "problem": here.problem or "none",
            "onnxruntime": here.onnxruntime or "not installed",
            "threads": f"{here.threads} ({here.threads_reason})",
            "CPU": f"{here.cpu} ({', '.join(here.cpu_features) or 'no features known'})",
            "kernels": _kernels(here),
            "golden vectors": _golden(manifest, golden),
            **({"note": " ".join(here.notes)} if here.notes else {}),
        },
    }
    lines = []
    for title, rows in sections.items():
        # A line break in a manifest would begin a row of its own.
        lines += [escape(title), *(f"  {escape(key):<22} {escape(value)}" for key, value in rows.items())]
    notes = ["notes", *(f"  {escape(note)}" for note in manifest.notes)] if manifest.notes else []
    return "\n".join([*lines, *notes, "license", f"  {escape(manifest.license)}"])


def _kernels(here: Here) -> str:
    kinds = here.kernels
    can = f" (can run {', '.join(kinds.available)})" if kinds.available else ""
    if kinds.chosen:
        return f"{kinds.chosen}{can}"
    return f"none{can}: {'see the problem' if kinds.problem == here.problem else kinds.problem}"


def _golden(manifest: Manifest, golden: GoldenCheck | None) -> str:
    if manifest.golden is None:
        return "none, float operators differ between CPUs"
    if golden is None:
        return f"{len(manifest.golden.texts)} texts, not compared: --check does"
    if golden.same:
        return f"{golden.texts} texts, this machine gives the same bits"
    return f"{golden.texts} texts, OTHER BITS here: {golden.found}, expected {golden.expected}"


def _identity(artifact: Artifact) -> dict[str, str]:
    manifest = artifact.manifest
    size = sum(entry.size for entry in manifest.files) / 1e6
    needs = [f"onnxruntime {manifest.requires.onnxruntime}"]
    needs += [f"compiled operators {domain} {version}" for domain, version in manifest.requires.operators.items()]
    if manifest.requires.cpu_any_of:
        needs.append(f"a CPU with {' or '.join(manifest.requires.cpu_any_of)}")
    return {
        "source": f"{manifest.source.id} (revision {manifest.source.revision or 'not known'})",
        "target": f"{manifest.target}, {manifest.architecture}",
        **_results(manifest),
        "longest text": _longest(manifest),
        **({"prompts": _prompts(manifest.prompts)} if manifest.prompts.texts else {}),
        "batch changes": f"{manifest.batch_invariance.bound:g} ({manifest.batch_invariance.reason})",
        "needs": ", ".join(needs),
        "files": f"{size:.1f} MB in {len(manifest.files)}, all as the manifest says",
        "created": manifest.created,
    }


def _results(manifest: Manifest) -> dict[str, str]:
    """Say what an artifact gives."""
    if manifest.reranking is not None:
        return {"reranker": f"scores a query with a text, the longest text is both ({manifest.reranking.activation})"}
    return {
        "vectors": _vectors(manifest),
        "pooling": manifest.pooling + ("" if manifest.prompts.pooled else ", without a prompt's tokens"),
    }


def _vectors(manifest: Manifest) -> str:
    whole = f", cut from {manifest.whole_dim}" if manifest.whole_dim else ""
    return f"{manifest.dim} numbers{whole}, {'unit length' if manifest.normalized else 'not normalized'}"


def _longest(manifest: Manifest) -> str:
    side = "" if manifest.truncation_side == RIGHT else ", longer ones lose their beginning"
    return f"{manifest.max_length.value} tokens ({manifest.max_length.source}){side}"


def _prompts(prompts: Prompts) -> str:
    default = prompts.default
    return ", ".join(f"{name} {text!r}{' (default)' * (name == default)}" for name, text in prompts.texts.items())


def _flatten(value: JSONObject, prefix: str = "") -> dict[str, str]:
    """Lay out nested members as one row each, ``outer.inner``; lists of objects by their kind, or counted."""
    rows: dict[str, str] = {}
    for key, member in value.items():
        name = f"{prefix}{key}"
        if isinstance(member, dict):
            rows |= _flatten(member, f"{name}.")
        elif isinstance(member, list) and any(isinstance(entry, dict) for entry in member):
            rows |= _flatten_objects(name, [entry for entry in member if isinstance(entry, dict)])
        elif isinstance(member, list):
            rows[name] = ", ".join(map(str, member)) or "none"
        else:
            rows[name] = f"{member:.6g}" if isinstance(member, float) else str(member)
    return rows


def _flatten_objects(name: str, entries: list[JSONObject]) -> dict[str, str]:
    kinds = [entry.get("kind") for entry in entries]
    if not all(isinstance(kind, str) for kind in kinds):
        return {name: f"{len(entries)} entries, --json shows them"}
    rows: dict[str, str] = {}
    for kind, entry in zip(kinds, entries, strict=True):
        rows |= _flatten({key: member for key, member in entry.items() if key != "kind"}, f"{kind}.")
    return rows
