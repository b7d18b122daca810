"""Adapters, in the libraries that they are for."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import chromadb
import numpy as np
import pytest
from haystack import Document, Pipeline
from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
from haystack.document_stores.in_memory import InMemoryDocumentStore
from langchain_core.documents import Document as Passage
from langchain_core.vectorstores import InMemoryVectorStore
from llama_index.core import Settings, VectorStoreIndex
from llama_index.core.schema import TextNode

from biolord_onnx.artifact.prompts import Prompts
from biolord_onnx.embedder import Embedder
from biolord_onnx.encode_options import EncodeOptions
from biolord_onnx.errors import InputError, TruncationWarning
from biolord_onnx.integrations.chroma import BiolordEmbeddingFunction
from biolord_onnx.integrations.haystack import BiolordDocumentEmbedder, BiolordTextEmbedder
from biolord_onnx.integrations.langchain import BiolordEmbeddings
from biolord_onnx.integrations.llama_index import BiolordEmbedding
from unit.runtime.tiny_artifact import tiny_manifest, write_tiny_artifact

TEXTS = ["cat scratch", "dog bite", "heart fever", ""]


@pytest.fixture
def unit(embedder: Embedder) -> Any:  # noqa: ANN401 - an array
    """Give the unit vectors of the texts."""
    return embedder.encode(TEXTS, normalize=True)


def test_making_one_loads_nothing(tmp_path: Path) -> None:
    """The artifact is looked for when the first text comes."""
    missing = str(tmp_path / "missing")
    embeddings = BiolordEmbeddings(missing)
    for made in (BiolordEmbedding(missing), BiolordTextEmbedder(missing), BiolordEmbeddingFunction(missing)):
        assert made is not None
    with pytest.raises(Exception, match="missing does not exist, expected the artifact folder"):
        embeddings.embed_query("cat")


@pytest.fixture
def prompted(tmp_path: Path) -> str:
    """Give an artifact with prompts for queries and documents."""
    prompts = Prompts({"query": "cat ", "document": "of "})
    return str(write_tiny_artifact(tmp_path / "prompted", replace(tiny_manifest(), prompts=prompts)))


def test_queries_and_documents_get_their_prompts(prompted: str, embedder: Embedder) -> None:
    """In all four libraries."""
    query, document = (embedder.encode(text, normalize=True) for text in ("cat bite", "of bite"))
    langchain, llama = BiolordEmbeddings(prompted), BiolordEmbedding(prompted)
    chroma = BiolordEmbeddingFunction(prompted)
    (passage,) = BiolordDocumentEmbedder(prompted).run(documents=[Document(content="bite")])["documents"]
    for found in (
        langchain.embed_query("bite"),
        llama.get_query_embedding("bite"),
        BiolordTextEmbedder(prompted).run(text="bite")["embedding"],
        chroma.embed_query(["bite"])[0],
    ):
        np.testing.assert_allclose(found, query, atol=1e-6)
    for found in (
        langchain.embed_documents(["bite"])[0],
        llama.get_text_embedding("bite"),
        passage.embedding,
        chroma(["bite"])[0],
    ):
        np.testing.assert_allclose(found, document, atol=1e-6)


# --- LangChain ----------------------------------------------------------------------------------------------


def test_langchain(tiny: Path, unit: Any) -> None:  # noqa: ANN401 - an array
    """Its in-memory store finds a text by itself; the adapter travels between processes."""
    embeddings = pickle.loads(pickle.dumps(BiolordEmbeddings(str(tiny))))  # noqa: S301 - our own
    np.testing.assert_allclose(embeddings.embed_documents(TEXTS), unit, atol=1e-6)
    np.testing.assert_allclose(embeddings.embed_query(TEXTS[0]), unit[0], atol=1e-6)
    assert embeddings.embed_documents([]) == []
    store = InMemoryVectorStore(embeddings)
    store.add_documents([Passage(page_content=text) for text in TEXTS])
    assert [found.page_content for found in store.similarity_search("dog bite", k=1)] == ["dog bite"]


def test_langchain_async(tiny: Path, unit: Any) -> None:  # noqa: ANN401 - an array
    """What its chains call."""
    found = asyncio.run(BiolordEmbeddings(str(tiny)).aembed_documents(TEXTS))
    np.testing.assert_allclose(found, unit, atol=1e-6)


# --- LlamaIndex ---------------------------------------------------------------------------------------------


def test_llama_index(tiny: Path, unit: Any) -> None:  # noqa: ANN401 - an array
    """Its index finds a text by itself."""
    embedding = BiolordEmbedding(str(tiny))
    np.testing.assert_allclose(embedding.get_text_embedding_batch(TEXTS), unit, atol=1e-6)
    np.testing.assert_allclose(embedding.get_text_embedding(TEXTS[0]), unit[0], atol=1e-6)
    np.testing.assert_allclose(embedding.get_query_embedding(TEXTS[1]), unit[1], atol=1e-6)
    Settings.llm = None
    index = VectorStoreIndex([TextNode(text=text) for text in TEXTS[:3]], embed_model=embedding)
    (found,) = index.as_retriever(similarity_top_k=1).retrieve("heart fever")
    assert found.text == "heart fever"
    assert embedding.to_dict()["class_name"] == "BiolordEmbedding"


def test_llama_index_async(tiny: Path, unit: Any) -> None:  # noqa: ANN401 - an array
    """All three ways."""
    embedding = BiolordEmbedding(str(tiny), threads=1)

    async def ask() -> list[Any]:
        many = await embedding.aget_text_embedding_batch(TEXTS)
        return [many, await embedding.aget_text_embedding(TEXTS[0]), await embedding.aget_query_embedding(TEXTS[1])]

    many, one, query = asyncio.run(ask())
    np.testing.assert_allclose(many, unit, atol=1e-6)
    np.testing.assert_allclose([one, query], unit[:2], atol=1e-6)


# --- Haystack -----------------------------------------------------------------------------------------------


def test_haystack(tiny: Path, unit: Any) -> None:  # noqa: ANN401 - an array
    """An indexing and a query pipeline, written to text and read again."""
    store = InMemoryDocumentStore(embedding_similarity_function="cosine")
    given = [Document(content=text) for text in TEXTS[:3]]
    embedder = BiolordDocumentEmbedder(str(tiny))
    embedder.warm_up()
    documents = embedder.run(documents=given)["documents"]
    np.testing.assert_allclose([one.embedding for one in documents], unit[:3], atol=1e-6)
    assert given[0].embedding is None
    store.write_documents(documents)
    pipeline = Pipeline()
    pipeline.add_component("embedder", BiolordTextEmbedder(str(tiny)))
    pipeline.add_component("retriever", InMemoryEmbeddingRetriever(store, top_k=1))
    pipeline.connect("embedder.embedding", "retriever.query_embedding")
    (found,) = pipeline.run({"embedder": {"text": "dog bite"}})["retriever"]["documents"]
    assert found.content == "dog bite"


@pytest.mark.parametrize("kind", [BiolordTextEmbedder, BiolordDocumentEmbedder])
def test_haystack_components_are_written_to_files(tiny: Path, kind: type[Any]) -> None:
    """With all settings."""
    made = kind(str(tiny), normalize=False, threads=1, overflow="window")
    again = kind.from_dict(made.to_dict())
    assert (again.session, again.options) == (made.session, EncodeOptions(None, overflow="window"))
    assert again.to_dict() == made.to_dict()


def test_haystack_meta_fields(tiny: Path, embedder: Embedder) -> None:
    """Before the content; missing ones are left out, and no content is an empty one."""
    component = BiolordDocumentEmbedder(str(tiny), meta_fields_to_embed=["code", "title"], embedding_separator=" ")
    documents = [Document(content="bite", meta={"title": "dog"}), Document(content=None, meta={"code": "cat"})]
    found = [one.embedding for one in component.run(documents=documents)["documents"]]
    np.testing.assert_allclose(found, embedder.encode(["dog bite", "cat "], normalize=True), atol=1e-6)


def test_haystack_types_are_checked(tiny: Path) -> None:
    """Each component names the other."""
    with pytest.raises(TypeError, match="text is list, expected str: documents go to BiolordDocumentEmbedder"):
        BiolordTextEmbedder(str(tiny)).run(text=["cat"])
    with pytest.raises(TypeError, match="no list of Document: a single text goes to BiolordTextEmbedder"):
        BiolordDocumentEmbedder(str(tiny)).run(documents="cat")


# --- Chroma -------------------------------------------------------------------------------------------------


def test_chroma(tiny: Path, unit: Any, tmp_path: Path) -> None:  # noqa: ANN401 - an array
    """A collection on the disk remembers the function when it is opened again."""
    function = BiolordEmbeddingFunction(str(tiny))
    np.testing.assert_allclose(np.stack(function(TEXTS)), unit, atol=1e-6)
    client = chromadb.PersistentClient(str(tmp_path / "chroma"))
    collection = client.create_collection("names", embedding_function=function)
    collection.add(ids=["a", "b", "c"], documents=TEXTS[:3])
    again = client.get_collection("names")
    assert again.query(query_texts=["dog bite"], n_results=1)["ids"] == [["b"]]
    assert BiolordEmbeddingFunction.build_from_config(function.get_config()).session == function.session
    assert (function.name(), function.default_space()) == ("biolord_onnx", "cosine")
    assert "l2" in function.supported_spaces()


def test_a_collection_remembers_what_to_do_with_long_texts(tiny: Path) -> None:
    """One that was made before there was a choice cuts, as it did."""
    config = BiolordEmbeddingFunction(str(tiny), overflow="window").get_config()
    assert BiolordEmbeddingFunction.build_from_config(config).options.overflow == "window"
    del config["overflow"]
    assert BiolordEmbeddingFunction.build_from_config(config).options.overflow == "truncate"


# --- Long texts ---------------------------------------------------------------------------------------------

LONG = "cat " * 40
WAYS: dict[str, Callable[..., Any]] = {
    "LangChain": lambda path, **options: BiolordEmbeddings(path, **options).embed_documents([LONG, "cat"]),
    "LangChain, a query": lambda path, **options: [BiolordEmbeddings(path, **options).embed_query(LONG)],
    "LlamaIndex": lambda path, **options: BiolordEmbedding(path, **options).get_text_embedding_batch([LONG, "cat"]),
    "LlamaIndex, a query": lambda path, **options: [BiolordEmbedding(path, **options).get_query_embedding(LONG)],
    "LlamaIndex, later": lambda path, **options: [
        asyncio.run(BiolordEmbedding(path, **options).aget_text_embedding(LONG))
    ],
    "Haystack": lambda path, **options: [
        document.embedding
        for document in BiolordDocumentEmbedder(path, **options).run(
            documents=[Document(content=LONG), Document(content="cat")]
        )["documents"]
    ],
    "Haystack, a query": lambda path, **options: [BiolordTextEmbedder(path, **options).run(text=LONG)["embedding"]],
    "Chroma": lambda path, **options: BiolordEmbeddingFunction(path, **options)([LONG, "cat"]),
}


@pytest.mark.parametrize("way", WAYS)
def test_long_texts_that_are_cut_are_told(tiny: Path, way: str) -> None:
    """Each call once, with the count, however often the same call comes."""
    for _ in range(2):
        with pytest.warns(TruncationWarning) as caught:
            found = WAYS[way](str(tiny))
        (message,) = [str(one.message) for one in caught if issubclass(one.category, TruncationWarning)]
        assert message.startswith(f"1 of {len(found)} texts have more than 16 tokens and were cut: overflow='window'")


@pytest.mark.parametrize("way", WAYS)
def test_long_texts_may_be_read_whole_or_refused(tiny: Path, embedder: Embedder, way: str) -> None:
    """As the library does."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", TruncationWarning)
        found = WAYS[way](str(tiny), overflow="window")
        with pytest.raises(InputError, match=r"texts\[0\] has 42 tokens"):
            WAYS[way](str(tiny), overflow="error")
    expected = embedder.encode([LONG], overflow="window", normalize=True)
    np.testing.assert_allclose(found[0], expected[0], atol=1e-6)


@pytest.mark.parametrize(
    "kind",
    [BiolordEmbeddings, BiolordEmbedding, BiolordDocumentEmbedder, BiolordTextEmbedder, BiolordEmbeddingFunction],
)
def test_an_unknown_way_with_long_texts_is_refused_at_once(tiny: Path, kind: type[Any]) -> None:
    """Not when the first text comes."""
    with pytest.raises(ValueError, match="overflow"):
        kind(str(tiny), overflow="cut")


@pytest.mark.parametrize(
    ("adapter", "package"),
    [("chroma", "chromadb"), ("haystack", "haystack"), ("langchain", "langchain_core"), ("llama_index", "llama_index")],
)
def test_without_the_library(adapter: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the extra."""
    monkeypatch.delitem(sys.modules, f"biolord_onnx.integrations.{adapter}")
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    extra = adapter.replace("_", "-")
    with pytest.raises(ImportError, match=rf"this adapter needs \w+: pip install 'biolord-onnx\[cpu,{extra}\]'"):
        __import__(f"biolord_onnx.integrations.{adapter}")


def test_adapters_bring_no_torch() -> None:
    """Nor do they load onnxruntime before it is needed."""
    code = (
        "import sys; from biolord_onnx.integrations import langchain\n"
        "print([name for name in ('onnxruntime', 'torch') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
