"""The authored graph: an encoder written node by node from its weights, pooling and normalisation inside."""

from __future__ import annotations
