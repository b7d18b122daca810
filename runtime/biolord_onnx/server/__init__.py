"""An embedding server for clients of OpenAI's and text-embeddings-inference's interfaces (the extra ``serve``).

settings → tokens → queue → batcher → service → routes (openai, tei, health) → app → run
"""

from __future__ import annotations
