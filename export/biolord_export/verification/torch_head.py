"""What follows the encoder, in torch. Nothing is imported of it: tensors come with their methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from biolord_export.checkpoint.head.dense import Dense

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from biolord_export.checkpoint.head.pooling import Pooling

    Tensor = Any  # torch isn't there when types are checked
    Mode = Callable[[Tensor, Tensor], Tensor]


def apply_head(hidden: Tensor, mask: Tensor, pooling: Pooling) -> Tensor:
    """Make vectors [batch, width] of float32 [batch, sequence, dim] and an integer mask [batch, sequence]."""
    import torch

    weights = mask.unsqueeze(-1).to(hidden.dtype)
    vectors = torch.cat([MODES[mode](hidden, weights) for mode in pooling.modes], dim=1)
    for step in pooling.steps:
        vectors = _dense(vectors, step) if isinstance(step, Dense) else torch.nn.functional.normalize(vectors, dim=1)
    if pooling.normalize:
        vectors = torch.nn.functional.normalize(vectors, dim=1)
    return vectors[:, : pooling.cut]


def _dense(vectors: Tensor, dense: Dense) -> Tensor:
    import torch

    weight, bias = torch.from_numpy(dense.linear.weight), torch.from_numpy(dense.linear.bias)
    return getattr(torch.nn, dense.activation)()(vectors @ weight + bias)


def _mean(hidden: Tensor, weights: Tensor) -> Tensor:
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1)


def _places(weights: Tensor) -> Tensor:
    """Weigh tokens by their places, from 1."""
    return weights * weights.new_ones(weights.shape[1:]).cumsum(dim=0)


def _gather(hidden: Tensor, places: Tensor) -> Tensor:
    return hidden.take_along_dim(places[:, None], dim=1).squeeze(1)


MODES: Mapping[str, Mode] = {
    "mean": _mean,
    "cls": lambda hidden, weights: _gather(hidden, weights.argmax(dim=1)),
    "max": lambda hidden, weights: hidden.masked_fill(weights == 0, float("-inf")).amax(dim=1),
    "weightedmean": lambda hidden, weights: _mean(hidden, _places(weights)),
    "lasttoken": lambda hidden, weights: _gather(hidden, _places(weights).argmax(dim=1)),
    "mean_sqrt_len_tokens": lambda hidden, weights: _mean(hidden, weights) * weights.sum(dim=1).sqrt(),
}
