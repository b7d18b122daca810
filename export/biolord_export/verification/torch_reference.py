"""The checkpoint itself, run by torch and transformers: a reference that shares no line with what it measures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from biolord_export.checkpoint.stored.weights_file import is_pickled
from biolord_export.portable.tracing import require_optimum
from biolord_export.verification.torch_head import apply_head
from biolord_onnx.encoding.texts import characters, put_before

if TYPE_CHECKING:
    from biolord_export.checkpoint.head.pooling import Pooling
    from biolord_export.checkpoint.source import Checkpoint
    from biolord_export.checkpoint.weights import Float32
    from biolord_onnx.encoding.texts import Inputs

TEXTS_A_RUN = 8


@dataclass(frozen=True, slots=True)
class TorchReference:
    """A checkpoint's encoder and tokenizer as transformers loads them, pooled as its modules say.

    Attributes:
        model: The encoder.
        tokenizer: transformers' own, not the artifact's file.
        pooling: What follows the encoder.
        prompt: In front of every text.
        max_length: Longest text in tokens.
    """

    model: Any  # torch and transformers aren't there when types are checked
    tokenizer: Any
    pooling: Pooling
    prompt: str
    max_length: int

    @classmethod
    def load(cls, checkpoint: Checkpoint) -> TorchReference:
        """Load a checkpoint in float32.

        Raises:
            MissingDependencyError: The ``optimum`` extra isn't installed.
        """
        require_optimum("--engine torch needs")
        from transformers import AutoModel, AutoTokenizer

        folder = checkpoint.weights.parent
        whole = not is_pickled(checkpoint.weights)  # a pickle is loaded with weights_only
        model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=whole).float().eval()
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        if checkpoint.lowered:
            _lower(tokenizer.backend_tokenizer)
        prompt = checkpoint.prompts.choose()
        return cls(model, tokenizer, checkpoint.pooling, prompt, checkpoint.max_length.value)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self.pooling.width(int(self.model.config.hidden_size))

    def unit_vectors(self, texts: Inputs) -> Float32:
        """Encode n texts or pairs; returns unit vectors, float32 [n, dim]."""
        import torch

        # Neighbors of similar length, so that little is computed for padding.
        order = np.argsort([characters(text) for text in texts], kind="stable")
        vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        with torch.inference_mode():
            for start in range(0, len(texts), TEXTS_A_RUN):
                rows = order[start : start + TEXTS_A_RUN]
                pooled = self._encode(put_before(self.prompt, [texts[row] for row in rows.tolist()]))
                vectors[rows] = torch.nn.functional.normalize(pooled, dim=1).numpy()
        return vectors

    def _encode(self, texts: Inputs) -> Any:  # noqa: ANN401 - a tensor; torch isn't there when types are checked
        feeds = self.tokenizer(texts, padding=True, truncation=True, max_length=self.max_length, return_tensors="pt")
        hidden = self.model(**feeds).last_hidden_state
        mask = feeds["attention_mask"].clone()
        if not self.pooling.include_prompt and self.prompt:
            ids = self.tokenizer([self.prompt], truncation=True, max_length=self.max_length)["input_ids"][0]
            mask[:, : len(ids) - 1] = 0  # all but the special token behind
        return apply_head(hidden, mask, self.pooling)


def _lower(tokenizer: Any) -> None:  # noqa: ANN401 - a tokenizer of transformers' own release
    """Lower texts before anything else, as sentence-transformers does for ``do_lower_case``."""
    from tokenizers import normalizers

    own = [] if tokenizer.normalizer is None else [tokenizer.normalizer]
    tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), *own])
