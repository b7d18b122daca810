"""The second road to a graph: traced by optimum, of standard ONNX operators only, for any runtime that reads ONNX.

No target leads here yet: the road is tested in parts, and joins ``targets`` once its environments are among the
tests.
"""

from __future__ import annotations
