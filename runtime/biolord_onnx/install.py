"""The command that installs what is missing, as messages name it: it works in an environment that has nothing yet."""

from __future__ import annotations

GPU_DISTRIBUTION = "onnxruntime-gpu"


def install_hint(*extras: str) -> str:
    """Return the pip command for some extras, and an onnxruntime beside them.

    None of these extras brings an onnxruntime. ``cpu`` does; where the GPU's is installed already, ``cuda``, for two
    onnxruntimes in one environment break each other.

    Args:
        extras: Of ``pyproject.toml``, without the one that brings onnxruntime.
    """
    return f"pip install 'biolord-onnx[{','.join((_engine(), *extras))}]'"


def _engine() -> str:
    from importlib.metadata import PackageNotFoundError, distribution  # takes long to import

    try:
        distribution(GPU_DISTRIBUTION)
    except PackageNotFoundError:
        return "cpu"
    return "cuda"
