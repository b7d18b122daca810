"""The portable targets of architectures that no package ships a checkpoint of, traced from random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biolord_onnx.session.engine import import_onnxruntime
from parity.authored import cosines, open_graph, write_graph
from parity.texts import names
from parity.tokens import checkpoint_tokenizer
from portable.environments import REPOSITORY, interpreter, run
from tiny.checkpoint import MAX_SEQ_LENGTH

pytestmark = pytest.mark.real

ARCHITECTURES = ("camembert", "distilbert", "electra", "modernbert")
FAITHFUL = {"fp32": 0.999999, "int8": 0.985}


def test_traced_graphs_give_the_vectors_of_authored_ones(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """All in one process, which imports torch once; ModernBERT has no int8."""
    models: dict[str, Path] = {name: request.getfixturevalue(f"tiny_{name}") for name in ARCHITECTURES}
    asked = [word for name, model in models.items() for word in (model, tmp_path / name, "40")]
    run([interpreter("oracle"), REPOSITORY / "tests" / "portable" / "draft.py", *asked])
    for name, model in models.items():
        folder = tmp_path / name
        assert {place.name for place in folder.iterdir()} == {"fp32", *(["int8"] if name != "modernbert" else [])}
        rows = checkpoint_tokenizer(model).tokenize([*names(20), ""], MAX_SEQ_LENGTH).ids
        exact = open_graph(folder, write_graph(model, folder)).alone(rows, "unit_embedding")
        for place in (one for one in folder.iterdir() if one.is_dir()):
            session = import_onnxruntime().InferenceSession(place / "model.onnx", providers=["CPUExecutionProvider"])
            feeds = [{"input_ids": np.array([ids]), "attention_mask": np.ones((1, len(ids)), np.int64)} for ids in rows]
            found = np.concatenate([session.run(["unit_embedding"], feed)[0] for feed in feeds])
            assert cosines(found, exact).min() > FAITHFUL[place.name], (name, place.name)
