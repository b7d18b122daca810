"""One module an architecture: where its weights lie in a checkpoint, and what sets it apart.

A new architecture is a new module with ``read(config, path) -> EncoderWeights`` and a line in ``READERS``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from biolord_export.checkpoint.architectures import bert, distilbert, electra, modernbert, mpnet, roberta
from biolord_export.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from biolord_export.checkpoint.config import EncoderConfig
    from biolord_export.checkpoint.weights import EncoderWeights

READERS: Mapping[str, Callable[[EncoderConfig, Path], EncoderWeights]] = {
    "bert": bert.read,
    "camembert": roberta.read,
    "distilbert": distilbert.read,
    "electra": electra.read,
    "modernbert": modernbert.read,
    "mpnet": mpnet.read,
    "roberta": roberta.read,
    "xlm-roberta": roberta.read,
}


def check_architecture(config: EncoderConfig) -> None:
    """Refuse an architecture that no reader knows.

    Raises:
        CheckpointError: Names the architecture found and those that can be converted.
    """
    if config.model_type not in READERS:
        raise CheckpointError(
            f"{config.path}: model_type is {config.model_type!r}, the exporter knows {', '.join(sorted(READERS))}"
        )


def read_weights(config: EncoderConfig, path: Path) -> EncoderWeights:
    """Read an encoder's weights from a safetensors file.

    Raises:
        CheckpointError: The architecture is unknown, or the file doesn't hold what config.json promises.
    """
    check_architecture(config)
    return READERS[config.model_type](config, path)
