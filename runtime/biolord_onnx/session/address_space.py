"""Whether a limit on address space (``ulimit -v``) leaves room for an artifact.

Where it doesn't, onnxruntime and tokenizers end the process in the middle of an allocation, with a core dump instead of
a message. What they need later, for large batches, can't be known.
"""

from __future__ import annotations

from biolord_onnx.artifact.folder import Artifact
from biolord_onnx.errors import BiolordError

# Python, numpy, onnxruntime and tokenizers with their threads, before any weights. Measured with 2 threads: 115 MB of
# weights for the compiled operators fail in 471 MB and load in 492, 436 MB of all-mpnet-base-v2's cpu-fp32 take 936.
_LIBRARIES = 320_000_000
# The weights are mapped; onnxruntime's own operators repack most, and threads have scratch memory.
_TIMES = 1.5


def check_address_space(artifact: Artifact) -> None:
    """Look at the limit before anything large is loaded.

    Raises:
        BiolordError: There is too little.
    """
    limit = _limit()
    needed = _LIBRARIES + int(_TIMES * sum(entry.size for entry in artifact.manifest.files))
    if limit is not None and limit < needed:
        raise BiolordError(
            f"this process may have {limit / 1e6:.0f} MB of address space (ulimit -v), and {artifact.manifest.name} "
            f"takes about {needed / 1e6:.0f} MB: raise the limit"
        )


def _limit() -> int | None:
    """Return the limit in bytes, None where there is none."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if soft == resource.RLIM_INFINITY else soft
