"""A build context for a container that serves an artifact: small, no torch, no root, nothing written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from biolord_onnx.artifact.folder import Artifact
from biolord_onnx.pack.artifact_wheel import NOTICE_NAME, engine_extra, name_image
from biolord_onnx.pack.contents import artifact_members
from biolord_onnx.pack.offline import WHEELS, Machines

ARTIFACT = "artifact"
DOCKERFILE = "Dockerfile"
USER = 10001

# Nothing of a manifest stands in it but a tag whose form is checked: even a comment may be an order, if it comes first.
_DOCKERFILE = """# An artifact of biolord-onnx, served over HTTP. Build and run:
#   docker build {build} .
#   docker run --rm --read-only --cap-drop ALL --publish 127.0.0.1:8080:8080 --env BIOLORD_API_KEYS=a-long-secret {tag}
# Without BIOLORD_API_KEYS the server refuses to start; --no-auth behind the image's name serves without keys.

FROM python:{python}-slim-bookworm AS build
COPY {wheels}/ /wheels/
RUN python -m venv /opt/biolord \\
    && /opt/biolord/bin/pip install {options} "/wheels/{own}[{extra},serve]" \\
    && /opt/biolord/bin/pip uninstall --yes pip setuptools

FROM python:{python}-slim-bookworm
COPY --from=build /opt/biolord /opt/biolord
COPY {artifact}/ /artifact/
COPY {notice} /NOTICE
ENV PATH=/opt/biolord/bin:$PATH \\
    PYTHONDONTWRITEBYTECODE=1 \\
    PYTHONUNBUFFERED=1
USER {user}:{user}
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \\
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/health/ready', timeout=4)"]
ENTRYPOINT ["biolord", "serve", "/artifact", "--host", "0.0.0.0"]
"""


@dataclass(frozen=True, slots=True)
class Image:
    """What a build context makes.

    Attributes:
        python: Version of its Python, such as ``3.13``.
        machines: Where it runs; None for any, which artifacts without compiled operators allow.
        offline: Whether all wheels come along, so that the build needs no index.
    """

    python: str
    machines: Machines | None
    offline: bool

    def build_options(self, artifact: Artifact) -> str:
        """Return the options of ``docker build`` that make it: its platform, if it is for one, and its name."""
        platform = f"--platform {self.machines.platform.container} " if self.machines else ""
        return f"{platform}--tag {name_image(artifact)}"


def write_context(folder: Path, artifact: Artifact, own: Path, image: Image) -> None:
    """Write a build context.

    Args:
        folder: Holds the wheels already, in its subfolder for them: this project's, and if the image is to be built
            without an index, all others.
        artifact: Whose hashes were checked.
        own: This project's wheel.
        image: What it makes.

    Raises:
        ArtifactError: A file was changed meanwhile, or isn't one that artifacts have.
        OSError: A file can't be written.
    """
    (folder / ARTIFACT).mkdir()
    for member in artifact_members(artifact, ARTIFACT):
        with (folder / member.name).open("xb") as stream:
            member.copy(stream)
    (folder / NOTICE_NAME).write_text(f"{artifact.manifest.license}\n", "utf-8")
    text = _DOCKERFILE.format(
        build=image.build_options(artifact),
        tag=name_image(artifact),
        python=image.python,
        wheels=WHEELS,
        options=" ".join(_pip_options(offline=image.offline)),
        own=own.name,
        extra=engine_extra(artifact),
        artifact=ARTIFACT,
        notice=NOTICE_NAME,
        user=USER,
    )
    (folder / DOCKERFILE).write_text(text, "utf-8")


def _pip_options(*, offline: bool) -> list[str]:
    options = ["--no-cache-dir", "--disable-pip-version-check"]
    return [*options, "--no-index", "--find-links /wheels"] if offline else options
