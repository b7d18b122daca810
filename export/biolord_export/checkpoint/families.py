"""Families of checkpoints that can be exported, one row each: what belongs to them, and what was verified on what."""

from __future__ import annotations

from dataclasses import dataclass

TINY = "small random checkpoints against sentence-transformers 5.7"


@dataclass(frozen=True, slots=True)
class Family:
    """Checkpoints that are read and computed alike.

    Attributes:
        name: How users call it.
        gives: ``vectors``, or ``scores`` of pairs of texts.
        model_types: In their ``config.json``.
        examples: Some of them, by their names on the hub.
        verified: What was run with this exporter, and on what.
        not_run: What wasn't.
    """

    name: str
    gives: str
    model_types: tuple[str, ...]
    examples: tuple[str, ...]
    verified: str
    not_run: str


FAMILIES = (
    Family(
        name="MPNet",
        gives="vectors",
        model_types=("mpnet",),
        examples=("sentence-transformers/all-mpnet-base-v2",),
        verified=f"all-mpnet-base-v2: every target, fidelity, speed and memory; {TINY}",
        not_run="multi-qa and paraphrase checkpoints",
    ),
    Family(
        name="BERT",
        gives="vectors",
        model_types=("bert",),
        examples=(
            "sentence-transformers/all-MiniLM-L6-v2",
            "cambridgeltl/SapBERT-from-PubMedBERT-fulltext",
            "ncbi/MedCPT-Query-Encoder",
            "BAAI/bge-small-en-v1.5",
        ),
        verified=f"all-MiniLM-L6-v2: every target, fidelity; {TINY}",
        not_run="SapBERT's, MedCPT's and bge's own weights",
    ),
    Family(
        name="XLM-R and RoBERTa",
        gives="vectors",
        model_types=("roberta", "xlm-roberta"),
        examples=("sentence-transformers/paraphrase-multilingual-mpnet-base-v2", "intfloat/multilingual-e5-base"),
        verified=f"{TINY}; the full size of BioLORD-2023-M with random weights",
        not_run="real weights; RoBERTa beside sentence-transformers",
    ),
    Family(
        name="DistilBERT, ELECTRA and CamemBERT",
        gives="vectors",
        model_types=("distilbert", "electra", "camembert"),
        examples=("sentence-transformers/msmarco-distilbert-base-v4", "dangvantuan/sentence-camembert-base"),
        verified=f"all-MiniLM-L6-v2's weights under their names, equal to the bit; {TINY}",
        not_run="weights of their own: no package has any",
    ),
    Family(
        name="ModernBERT",
        gives="vectors",
        model_types=("modernbert",),
        examples=("thomas-sounack/BioClinical-ModernBERT-base", "NeuML/bioclinical-modernbert-base-embeddings"),
        verified=f"{TINY}; the full size with random weights: speed",
        not_run="real weights: no package has any",
    ),
    Family(
        name="Cross-encoders",
        gives="scores",
        model_types=("bert", "mpnet", "roberta", "xlm-roberta", "distilbert", "electra"),
        examples=(
            "ncbi/MedCPT-Cross-Encoder",
            "cross-encoder/ms-marco-MiniLM-L6-v2",
            "BAAI/bge-reranker-base",
        ),
        verified=f"{TINY}; all-MiniLM-L6-v2 with a classifier fitted to it: cpu-int8, fidelity and speed",
        not_run="real rerankers' weights; DistilBERT, ELECTRA and RoBERTa beside sentence-transformers",
    ),
)
