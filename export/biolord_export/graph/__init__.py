"""The authored graph: an encoder written node by node from its weights, pooling and normalization inside."""

from __future__ import annotations
