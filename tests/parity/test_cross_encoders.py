"""Cross-encoders give sentence-transformers' scores, whatever their files look like."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from biolord_export.checkpoint.source import open_checkpoint
from biolord_export.pipeline import ExportOptions
from biolord_export.reranking.pipeline import export_reranker
from biolord_export.targets import TARGETS
from biolord_onnx.reranker import Reranker
from oracle.client import oracle_python, run
from tiny.cross_encoder import IDENTITY, write_cross_encoder
from tiny.tokenizer import write_json
from unit.export.editing import edit_json

Answers = Mapping[Path, Mapping[str, Any]]
SCRIPT = Path(__file__).parents[1] / "oracle" / "score.py"
LONG = "the cat has a fever and a scratch of the heart " * 12
QUERIES = ("cat scratch", "", LONG, "a [SEP] b </s> c <mask>")
TEXTS = ("bartonellosis", "", LONG, "the dog bite", "[CLS] fever [SEP] </s>", "Ärzte, 猫! ﬁ")


def _legacy(folder: Path) -> None:
    """Name the activation as sentence-transformers did before version 4."""
    edit_json(folder / "config.json", sbert_ce_default_activation_function=IDENTITY)


def _untyped(folder: Path) -> None:
    """Have the tokenizer hand over no token types, though the encoder has some."""
    edit_json(folder / "tokenizer_config.json", model_input_names=["input_ids", "attention_mask"])


def _short(folder: Path) -> None:
    """Cut pairs at an odd number of tokens."""
    edit_json(folder / "tokenizer_config.json", model_max_length=21)


def _without_tokenizer(folder: Path) -> None:
    """Leave the older file alone for the tokenizer to be built from."""
    (folder / "tokenizer.json").unlink()


def _as_it_is(folder: Path) -> None:
    """Change nothing."""


@dataclass(frozen=True)
class Layout:
    """How a checkpoint is written, and what is changed in it then."""

    architecture: str
    activation: str | None
    change: Callable[[Path], None] = _as_it_is


LAYOUTS: Mapping[str, Layout] = {
    "bert": Layout("bert", None),
    "bert-identity": Layout("bert", IDENTITY),
    "bert-legacy": Layout("bert", None, _legacy),
    "bert-untyped": Layout("bert", None, _untyped),
    "bert-short": Layout("bert", IDENTITY, _short),
    "bert-vocab": Layout("bert", IDENTITY, _without_tokenizer),
    "mpnet": Layout("mpnet", IDENTITY),
    "mpnet-vocab": Layout("mpnet", IDENTITY, _without_tokenizer),
    "xlm-roberta": Layout("xlm-roberta", IDENTITY),
    "xlm-roberta-short": Layout("xlm-roberta", None, _short),
}
SAVED = ("bert", "bert-identity", "mpnet", "xlm-roberta")
"""Layouts that are also saved by this release of sentence-transformers, which lays them out with a module list."""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """Write all checkpoints, and ask the oracle for its scores of all pairs, in one process."""
    folder = tmp_path_factory.mktemp("cross-encoders")
    requests = []
    for name, layout in LAYOUTS.items():
        model = write_cross_encoder(folder / name, architecture=layout.architecture, activation=layout.activation)
        layout.change(model)
        requests.append(_request(model, folder / f"{name}-saved" if name in SAVED else None))
    write_json(folder / "request.json", requests)
    run(oracle_python(), folder / "request.json", script=SCRIPT)
    found = {Path(str(one["model"])): json.loads(Path(str(one["output"])).read_text()) for one in requests}
    return found | {folder / f"{name}-saved": found[folder / name] for name in SAVED}


def _request(model: Path, save: Path | None) -> dict[str, object]:
    pairs = list(product(QUERIES, TEXTS))
    return {"model": str(model), "pairs": pairs, "output": f"{model}.json", "save": save and str(save)}


def _scores(reranker: Reranker, pairs: Sequence[tuple[str, str]], *, raw: bool) -> NDArray[np.float32]:
    groups = [(query, [text for _, text in some]) for query, some in groupby(pairs, key=lambda pair: pair[0])]
    infos = [reranker.score_with_info(query, texts) for query, texts in groups]
    return np.concatenate([info.logits if raw else info.scores for info in infos])


@pytest.mark.real
def test_scores_are_those_of_sentence_transformers(answers: Answers, tmp_path: Path) -> None:
    """Of short, long and empty texts, and of texts that spell special tokens out; cut at the same token."""
    for model, expected in answers.items():
        out = tmp_path / model.name
        export_reranker(open_checkpoint(str(model)), out, ExportOptions(TARGETS["cpu-fp32"]))
        with Reranker.load(out) as reranker:
            assert reranker.max_length == expected["max_length"], model.name
            for key, raw in (("scores", False), ("logits", True)):
                found = _scores(reranker, list(product(QUERIES, TEXTS)), raw=raw)
                worst = np.abs(found - np.array(expected[key])).max()
                assert worst < 1e-5, (model.name, key, worst)
