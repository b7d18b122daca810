"""The checkpoint under torch, on padded batches: float32 as the reference, half precision to compare with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModel
from transformers.models.mpnet import modeling_mpnet

Ids = NDArray[np.int64]


class TorchSide:
    """An encoder with mean pooling and vectors of length 1."""

    def __init__(self, checkpoint: Path, device: str, dtype: str, *, compiled: bool = False) -> None:
        """Load it, with torch's fused attention for MPNet, too, which has none in transformers."""
        _fuse_mpnet()
        kind = getattr(torch, dtype)
        model: Any = AutoModel.from_pretrained(checkpoint, local_files_only=True, dtype=kind)
        self._device, self._model = device, model.to(device).eval()
        if compiled:
            self._model = torch.compile(self._model, dynamic=True)

    def run(self, ids: Ids, mask: Ids) -> NDArray[np.float32]:
        """Encode int64 [batch, sequence]: float32 [batch, dim]."""
        with torch.inference_mode():
            tokens, kept = (torch.from_numpy(rows).to(self._device) for rows in (ids, mask))
            hidden = self._model(input_ids=tokens, attention_mask=kept).last_hidden_state.float()
            weights = kept.unsqueeze(-1).float()
            pooled = (hidden * weights).sum(1) / weights.sum(1)
            vectors: NDArray[np.float32] = torch.nn.functional.normalize(pooled, dim=1).cpu().numpy()
            return vectors


def device_memory_mb() -> float | None:
    """Return what is in use on the GPU, by everybody; None without one."""
    if not torch.cuda.is_available():
        return None
    free, total = torch.cuda.mem_get_info()
    return float(total - free) / 1e6


def _fuse_mpnet() -> None:
    modeling_mpnet.MPNetSelfAttention.forward = _fused


def _fused(  # noqa: PLR0917 - transformers' own signature
    self: Any,  # noqa: ANN401 - a module of transformers
    hidden_states: torch.Tensor,
    attention_mask: torch.Tensor | None = None,
    head_mask: torch.Tensor | None = None,  # noqa: ARG001
    position_bias: torch.Tensor | None = None,
    output_attentions: bool = False,  # noqa: ARG001, FBT001, FBT002, RUF100
    **_: object,
) -> tuple[torch.Tensor]:
    """Attend as `MPNetSelfAttention` does, in one fused step."""
    batch, length, dim = hidden_states.shape
    shape = (batch, length, self.num_attention_heads, self.attention_head_size)
    query, key, value = (layer(hidden_states).view(shape).transpose(1, 2) for layer in (self.q, self.k, self.v))
    bias = [one for one in (position_bias, attention_mask) if one is not None]
    mask = sum(bias[1:], bias[0]).expand(batch, -1, length, length).to(query.dtype) if bias else None
    mixed = torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return (self.o(mixed.transpose(1, 2).reshape(batch, length, dim)),)
