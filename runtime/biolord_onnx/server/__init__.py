"""An embedding server for clients of OpenAI's and text-embeddings-inference's interfaces (the extra ``serve``).

settings → tokens → queue → batcher → service → scanner → search, rerank → services → bodies → routes → gate → app →
protocol → run
"""

from __future__ import annotations
