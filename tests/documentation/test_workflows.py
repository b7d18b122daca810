"""Workflows on GitHub: what can be tried of them without GitHub."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # it ships no types

from guards.readme import REPOSITORY

FOLDER = REPOSITORY / ".github"
WORKFLOWS = sorted((FOLDER / "workflows").glob("*.yml"))
PINNED = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v[0-9]+(\.[0-9]+)*")
CHANGELOG = """\
# Changelog

## [Unreleased]

## [1.2.0] – 2027-01-01

### Added

- A thing.

## [1.1.0] – 2026-12-01

- An older thing.

## [1.0.0] – 2026-11-28

"""


def read(path: Path) -> dict[str, Any]:
    """Parse a file."""
    parsed: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return parsed


def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    """List the steps of all jobs."""
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_hash(path: Path) -> None:
    """A tag can be moved to other code, a hash can't; the release behind it is for people."""
    used = re.findall(r"uses: (.+)", path.read_text(encoding="utf-8"))
    assert used
    assert [action for action in used if not PINNED.fullmatch(action)] == []


def test_one_action_has_one_hash() -> None:
    """A job that was forgotten when a hash moved is noticed."""
    everything = "\n".join(path.read_text(encoding="utf-8") for path in WORKFLOWS)
    found = set(re.findall(r"uses: (\S+)", everything))
    assert len(found) == len({action.split("@")[0] for action in found})


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_jobs_are_bounded(path: Path) -> None:
    """In time, and in what their token may do."""
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert [name for name, job in workflow["jobs"].items() if "timeout-minutes" not in job] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_scripts_are_shell(path: Path) -> None:
    """Parsed by bash, and no expression of GitHub's is pasted into them: a branch may be called `$(reboot)`."""
    scripts = [step["run"] for step in steps(read(path)) if "run" in step]
    for script in scripts:
        assert "${{" not in script
        subprocess.run(["bash", "-n", "-c", script], check=True)


def test_files_that_workflows_need_are_there() -> None:
    """And so are the targets of make."""
    scripts = "\n".join(step["run"] for path in WORKFLOWS for step in steps(read(path)) if "run" in step)
    targets = re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert set(re.findall(r"make ([a-z-]+)", scripts)) <= set(targets)
    named = re.findall(r"(?:-r|bash|python) ([\w./-]+\.(?:txt|py)|\.ci/run)|(tests/[\w/.]+)", scripts)
    assert [name for pair in named for name in pair if name and not (REPOSITORY / name).exists()] == []


def notes(changelog: str, tag: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the release's own step that cuts a section out of the changelog."""
    (step,) = (step for step in steps(read(FOLDER / "workflows" / "release.yml")) if step.get("name") == "notes")
    (folder / "CHANGELOG.md").write_text(changelog, encoding="utf-8")
    command = ["bash", "-euo", "pipefail", "-c", step["run"]]
    environment = {"PATH": "/usr/bin:/bin", "TAG": tag}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_release_takes_its_section(tmp_path: Path) -> None:
    """From its heading to the next."""
    assert notes(CHANGELOG, "v1.2.0", tmp_path).returncode == 0
    assert (tmp_path / "notes.md").read_text(encoding="utf-8").strip() == "### Added\n\n- A thing."


@pytest.mark.parametrize("tag", ["v1.0.0", "v1.3.0", "v1.2"])
def test_a_release_without_a_section_fails(tmp_path: Path, tag: str) -> None:
    """An empty one counts as none, and no version is taken for another."""
    done = notes(CHANGELOG, tag, tmp_path)
    assert done.returncode == 1
    assert f"no section {tag[1:]}" in done.stderr


def test_wheels_are_tested_before_they_are_uploaded() -> None:
    """On every platform that one is built for, and what is uploaded is what was tested."""
    jobs = read(FOLDER / "workflows" / "release.yml")["jobs"]
    assert jobs["publish"]["needs"] == "test"
    assert jobs["test"]["needs"] == "build"
    assert len(jobs["test"]["strategy"]["matrix"]["runner"]) == len(_targets())
    assert jobs["publish"]["permissions"] == {"id-token": "write"}


def _targets() -> dict[str, Any]:
    import hatch_build

    return dict(hatch_build.TARGETS)


@pytest.mark.parametrize("path", sorted((FOLDER / "ISSUE_TEMPLATE").glob("[!c]*.yml")), ids=lambda path: path.name)
def test_an_issue_form_has_what_github_asks_for(path: Path) -> None:
    """A name, a description and fields, each with a label; and no two of one id."""
    form = read(path)
    assert form["name"]
    assert form["description"]
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert all(field["attributes"]["label"] for field in fields)
    assert len({field["id"] for field in fields}) == len(fields)
