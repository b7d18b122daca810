"""Makes the model files of the peers as their own documentation says; runs in the environment ``optimum``.

    python -m biolord_bench.peers.convert onnx CHECKPOINT OUT
    python -m biolord_bench.peers.convert openvino-int8 CHECKPOINT OUT --calibration FOLDER

OUT becomes a sentence-transformers folder with exactly one graph in it, so that every tool finds the right one, beside
the checkpoint's own small files, as repositories on the hub have them. (sentence-transformers 5 would write some of
them anew, in a form that light-embed can't read and that has fastembed cut texts after 128 tokens.)
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from optimum.intel import OVModelForFeatureExtraction
    from sentence_transformers import SentenceTransformer

Conversion = Callable[[Path, Path, Path], None]

ONNX = {"provider": "CPUExecutionProvider"}
CALIBRATION_TEXTS = 100  # padded to 384 tokens each by sentence-transformers; its default of 300 takes 10 minutes


def to_onnx(checkpoint: Path, out: Path, _calibration: Path) -> None:
    """Export float32 ONNX through optimum."""
    _exported(checkpoint, out, "onnx")


def to_onnx_qint8(checkpoint: Path, out: Path, _calibration: Path) -> None:
    """Quantize dynamically with the preset that sentence-transformers names for CPUs with VNNI."""
    from sentence_transformers import export_dynamic_quantized_onnx_model

    export_dynamic_quantized_onnx_model(_exported(checkpoint, out, "onnx"), "avx512_vnni", str(out))
    (out / "onnx" / "model.onnx").unlink()


def to_openvino(checkpoint: Path, out: Path, _calibration: Path) -> None:
    """Export OpenVINO's format through optimum-intel."""
    _exported(checkpoint, out, "openvino")


def to_openvino_int8(checkpoint: Path, out: Path, calibration: Path) -> None:
    """Quantize statically with NNCF, calibrated on this domain's texts instead of film reviews (the default)."""
    from optimum.intel import OVQuantizationConfig
    from sentence_transformers import export_static_quantized_openvino_model

    model = _exported(checkpoint, out, "openvino")
    export_static_quantized_openvino_model(
        model,
        quantization_config=OVQuantizationConfig(num_samples=CALIBRATION_TEXTS),
        model_name_or_path=str(out),
        dataset_name=str(calibration),
        dataset_config_name="default",
        dataset_split="train",
        column_name="text",
    )
    for name in ("openvino_model.xml", "openvino_model.bin"):
        (out / "openvino" / name).unlink()


def to_openvino_genai(checkpoint: Path, out: Path, _calibration: Path) -> None:
    """Export OpenVINO's format, the tokenizer included."""
    from optimum.intel import OVModelForFeatureExtraction

    _with_tokenizer(OVModelForFeatureExtraction.from_pretrained(str(checkpoint), export=True), checkpoint, out)


def to_openvino_genai_int8(checkpoint: Path, out: Path, calibration: Path) -> None:
    """Quantize statically with NNCF as for sentence-transformers, the tokenizer included."""
    from tempfile import TemporaryDirectory

    from optimum.intel import OVModelForFeatureExtraction

    with TemporaryDirectory() as folder:
        quantized = Path(folder, "quantized")
        to_openvino_int8(checkpoint, quantized, calibration)
        (graph,) = quantized.rglob("*.xml")
        model = OVModelForFeatureExtraction.from_pretrained(
            str(quantized), subfolder=graph.parent.name, file_name=graph.name, library_name="transformers"
        )
        _with_tokenizer(model, checkpoint, out)


def _exported(checkpoint: Path, out: Path, backend: Literal["onnx", "openvino"]) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer

    options = {"export": True, **(ONNX if backend == "onnx" else {})}
    model = SentenceTransformer(str(checkpoint), backend=backend, model_kwargs=options)
    model.save_pretrained(str(out))
    return model


def _with_tokenizer(model: OVModelForFeatureExtraction, checkpoint: Path, out: Path) -> None:
    from openvino import save_model
    from openvino_tokenizers import convert_tokenizer
    from transformers import AutoTokenizer

    model.save_pretrained(str(out))
    converted = convert_tokenizer(AutoTokenizer.from_pretrained(str(checkpoint)), with_detokenizer=False)
    save_model(converted, str(out / "openvino_tokenizer.xml"))


def to_portable_int8(checkpoint: Path, out: Path, _calibration: Path) -> None:
    """Export this project's target of standard operators alone."""
    from biolord_export.cli import export
    from biolord_onnx.cli.main import Parser

    parser = Parser()
    export.configure(parser)
    export.run(parser.parse_args([str(checkpoint), str(out), "--target", "portable-int8"]))


CONVERSIONS: dict[str, Conversion] = {
    "onnx": to_onnx,
    "onnx-qint8": to_onnx_qint8,
    "openvino": to_openvino,
    "openvino-int8": to_openvino_int8,
    "openvino-genai": to_openvino_genai,
    "openvino-genai-int8": to_openvino_genai_int8,
    "portable-int8": to_portable_int8,
}


def restore(checkpoint: Path, out: Path) -> None:
    """Put the checkpoint's own configuration and tokenizer files into the converted folder."""
    for source in sorted(checkpoint.rglob("*")):
        if source.suffix in {".json", ".txt"}:
            target = out / source.relative_to(checkpoint)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


def main() -> int:
    """Convert; OUT is there only if the conversion went through."""
    parser = argparse.ArgumentParser(prog="python -m biolord_bench.peers.convert", description=main.__doc__)
    parser.add_argument("conversion", choices=CONVERSIONS)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--calibration", type=Path, default=Path(), help="folder with a train.jsonl")
    args = parser.parse_args()
    unfinished = args.out.with_name(f"{args.out.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    CONVERSIONS[args.conversion](args.checkpoint, unfinished, args.calibration)
    if args.conversion != "portable-int8":  # an artifact is whole as it is
        restore(args.checkpoint, unfinished)
    unfinished.rename(args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
