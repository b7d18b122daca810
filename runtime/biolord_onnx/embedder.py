"""The public face: texts in, vectors out."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.artifact.ranges import RANGES_NAME, Ranges, read_ranges
from biolord_onnx.encoding.encoder import Encoder
from biolord_onnx.encoding.info import EncodeInfo
from biolord_onnx.encoding.keywords import EncodeKeywords
from biolord_onnx.encoding.precision import Precision, Vectors
from biolord_onnx.encoding.prompted import PromptedEncoding
from biolord_onnx.encoding.settings import Overflow, merge_normalize, resolve_settings
from biolord_onnx.encoding.texts import TextInput, as_inputs
from biolord_onnx.errors import InputError, TruncationWarning
from biolord_onnx.opened import Opened
from biolord_onnx.session.session import Output

# Texts of a part of a stream: enough that most token lengths fill runs of their own.
STREAM_TEXTS = 16_384


class Embedder(Opened[Encoder], PromptedEncoding):
    """Encodes texts with an artifact. Safe to share between threads.

    A vector is a function of its text alone: order, duplicates, batch size and threads never change it.

    Examples:
        >>> with Embedder.load("biolord-2023-cpu-int8") as embedder:  # doctest: +SKIP
        ...     vectors = embedder.encode(["Cat scratch injury", "Bartonellosis"])
    """

    @classmethod
    def load(
        cls,
        path: Path | str,
        *,
        provider: str = "auto",
        threads: int | None = None,
        verify_hashes: bool = True,
        fingerprint: str | None = None,
    ) -> Embedder:
        """Open an artifact and load its graph.

        What is loaded is what was hashed, and stays so: an artifact that is put in the folder's place later changes no
        vector.

        Args:
            path: The folder that ``biolord export`` wrote, or the name of an artifact that was installed as a wheel.
            provider: ``auto``, or a name such as ``cpu``, ``cuda`` or ``openvino``; never another one than asked for.
            threads: Cores for one run; None takes what affinity and cgroup quota allow.
            verify_hashes: Compare every file with the manifest's SHA-256.
            fingerprint: Of the one artifact to accept, another process's `fingerprint`, say; None for any.

        Raises:
            ArtifactError: The folder is damaged, of a later format, doesn't fit this machine, or holds another artifact
                than expected.
            ProviderError: The provider isn't there, doesn't start or doesn't run this target.
            MissingDependencyError: No onnxruntime is installed.
            InputError: ``threads`` is out of range.
            TypeError: ``threads`` is no whole number.
        """
        artifact = open_artifact(path, verify_hashes=False, fingerprint=fingerprint)
        loaded = Encoder.load(artifact, provider=provider, threads=threads, verify_hashes=verify_hashes)
        return cls(artifact, loaded)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self.manifest.dim

    @overload
    def encode(
        self, texts: TextInput, *, convert_to_numpy: Literal[True] = True, **keywords: Unpack[EncodeKeywords]
    ) -> Vectors: ...

    @overload
    def encode(
        self, texts: TextInput, *, convert_to_numpy: bool, **keywords: Unpack[EncodeKeywords]
    ) -> Vectors | list[Vectors]: ...

    def encode(  # noqa: PLR0913 - sentence-transformers' keywords beside our own
        self,
        texts: TextInput,
        *,
        prompt: str | None = None,
        prompt_name: str | None = None,
        normalize: bool | None = None,
        truncate_dim: int | None = None,
        batch_tokens: int | None = None,
        overflow: Overflow = "truncate",
        precision: Precision = "float32",
        show_progress_bar: bool | None = False,
        batch_size: int | None = None,
        normalize_embeddings: bool = False,
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
    ) -> Vectors | list[Vectors]:
        """Encode texts.

        Texts over `max_length` are cut, with one `TruncationWarning` per call.

        Args:
            texts: A string, or any iterable of n strings; or of n pairs of strings, lists or tuples such as
                ``(title, abstract)``, for checkpoints that read two texts at once.
            prompt: Text to put in front of each, of a pair in front of the first; an empty one for none.
            prompt_name: Of one of the checkpoint's prompts, `manifest.prompts`; None for its default, if it has one.
            normalize: True for unit vectors, False for none, None for what sentence-transformers gives for
                this checkpoint.
            truncate_dim: Numbers that are left of a vector, for checkpoints that were trained so (Matryoshka); unit
                vectors are made so after that.
            batch_tokens: Most tokens of one run; it changes speed and memory, never a vector.
            overflow: What to do with texts over `max_length`: ``truncate``, ``error``, or ``window``, which averages
                the vectors of overlapping windows, weighted by their tokens.
            precision: ``float32``, ``float16``, or one of sentence-transformers' quantized formats, ``int8``,
                ``uint8``, ``binary`` and ``ubinary``; the ranges of the 8-bit ones are the artifact's own.
            show_progress_bar: On stderr, through tqdm.
            batch_size: sentence-transformers' keyword: most texts of one run.
            normalize_embeddings: sentence-transformers' keyword: True is ``normalize=True``, False changes
                nothing.
            convert_to_numpy: sentence-transformers' keyword: False gives a list of vectors.
            convert_to_tensor: sentence-transformers' keyword: True is refused, there is no torch here.

        Returns:
            An array [n, dim]; [dim] for a single string. Binary formats have eight dimensions a number.

        Raises:
            TypeError: ``texts`` is not texts; the message names the position.
            InputError: A text can't be encoded as UTF-8 or is too long for ``overflow="error"``; or an option
                is out of range; or these are pairs, and the artifact takes none.
            BiolordError: The embedder is closed, or onnxruntime failed.
        """
        if convert_to_tensor:
            raise InputError(
                "convert_to_tensor is True, but there is no torch here: use torch.from_numpy(embedder.encode(texts))"
            )
        info = self.encode_with_info(
            texts,
            prompt=prompt,
            prompt_name=prompt_name,
            truncate_dim=truncate_dim,
            normalize=merge_normalize(normalize, normalize_embeddings),
            batch_tokens=batch_tokens,
            overflow=overflow,
            precision=precision,
            show_progress_bar=show_progress_bar,
            batch_size=batch_size,
        )
        cut = int(np.count_nonzero(info.truncated))
        if cut:
            message = f"{cut} of {info.truncated.size} texts have more than {self.max_length} tokens and were cut"
            warnings.warn(message, TruncationWarning, stacklevel=2)
        return info.vectors if convert_to_numpy or isinstance(texts, str) else list(info.vectors)

    def encode_with_info(  # noqa: PLR0913 - the keywords of encode
        self,
        texts: TextInput,
        *,
        prompt: str | None = None,
        prompt_name: str | None = None,
        normalize: bool | None = None,
        truncate_dim: int | None = None,
        batch_tokens: int | None = None,
        overflow: Overflow = "truncate",
        precision: Precision = "float32",
        show_progress_bar: bool | None = False,
        batch_size: int | None = None,
    ) -> EncodeInfo:
        """Encode texts and tell token counts and which texts were cut; no warning is given.

        The arguments and errors are those of `encode`.
        """
        encoder = self._open("encode")
        prompted = encoder.prompted(as_inputs(texts), self.manifest.prompts.choose(prompt, prompt_name))
        settings = resolve_settings(
            self.manifest,
            normalize=normalize,
            truncate_dim=truncate_dim,
            batch_tokens=batch_tokens,
            batch_size=batch_size,
            overflow=overflow,
            precision=precision,
            read_ranges=self._read_ranges,
        )
        settings = settings.skipping(prompted.skipped)
        vectors, counts = encoder.encode(prompted.texts, settings, show_progress_bar=bool(show_progress_bar))
        truncated = (counts > self.max_length) & (settings.overflow != "window")
        if isinstance(texts, str):
            # [0, ...] gives an array where [0] would give a scalar.
            return EncodeInfo(vectors[0], counts[0, ...], truncated[0, ...])
        return EncodeInfo(vectors, counts, truncated)

    def encode_stream(
        self,
        texts: Iterable[str | Sequence[str]],
        *,
        prompt: str | None = None,
        prompt_name: str | None = None,
        normalize: bool | None = None,
        truncate_dim: int | None = None,
        batch_tokens: int | None = None,
        overflow: Overflow = "truncate",
        precision: Precision = "float32",
    ) -> Iterator[Vectors]:
        """Encode texts that needn't fit in memory, nor need their vectors.

        Texts are drawn as they are needed. The arguments are those of `encode`; positions in messages count from the
        beginning of the part that they are in.

        Args:
            texts: Any iterable of strings, such as the lines of a file; or of pairs of them.
            prompt: Text to put in front of each.
            prompt_name: Of one of the checkpoint's prompts.
            normalize: True for unit vectors, False for none, None for the checkpoint's own.
            truncate_dim: Numbers that are left of a vector.
            batch_tokens: Most tokens of one run.
            overflow: What to do with texts over `max_length`.
            precision: Number format of the vectors.

        Yields:
            Arrays [m, dim] of the next m texts, in order; m is 16,384, less for the last.

        Raises:
            TypeError: ``texts`` is a string, or holds something else than strings.
            InputError: As `encode`.
            BiolordError: The embedder is closed, or onnxruntime failed.
        """
        if isinstance(texts, str) or not isinstance(texts, Iterable):
            raise TypeError(f"texts is {type(texts).__name__}, expected an iterable of str: encode takes a single text")
        remaining = iter(texts)
        while part := list(islice(remaining, STREAM_TEXTS)):
            yield self.encode(
                part,
                prompt=prompt,
                prompt_name=prompt_name,
                normalize=normalize,
                truncate_dim=truncate_dim,
                batch_tokens=batch_tokens,
                overflow=overflow,
                precision=precision,
            )

    def count_tokens(
        self, texts: TextInput, *, prompt: str | None = None, prompt_name: str | None = None
    ) -> int | NDArray[np.int32]:
        """Count tokens before any cut, special tokens and those of the prompt included.

        Args:
            texts: A string, or any iterable of n strings, or of n pairs of them.
            prompt: As of `encode`.
            prompt_name: Likewise.

        Returns:
            A number for a string, int32 [n] otherwise.

        Raises:
            TypeError: ``texts`` is not texts; the message names the position.
            InputError: A text can't be encoded as UTF-8.
            BiolordError: The embedder is closed.
        """
        encoder = self._open("encode")
        prompted = encoder.prompted(as_inputs(texts), self.manifest.prompts.choose(prompt, prompt_name))
        counts = encoder.count_tokens(prompted.texts)
        return int(counts[0]) if isinstance(texts, str) else counts

    def __repr__(self) -> str:
        """Name the artifact and how it runs."""
        name = self.manifest.name
        return f"<Embedder {name} dim={self.dim} provider={self._provider} threads={self._threads}>"

    def _read_ranges(self, output: Output) -> Ranges | None:
        if self.manifest.file(RANGES_NAME) is None:
            return None
        with self._artifact.files.reading(RANGES_NAME):
            return read_ranges(self._artifact.path / RANGES_NAME, output, self.dim)
