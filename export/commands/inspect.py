"""`export inspect`: say what a model file is and how the kit would read it."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from edge.command_line import write_json
from edge.inference import TensorSpec
from export.bundles.memory_trial import require_modest_memory
from export.bundles.reading import ModelReading, read_model
from export.bundles.unknown import why_no_detector

EXAMPLE = "  python -m export inspect yolox_nano_416.onnx --json -"

QUANTIZATION_NOTES = {
    "static": "int8 weights and activations, ranges measured beforehand; {int8_layers} of {layers} layers in int8",
    "dynamic": "int8 weights, activations rounded to int8 anew at each run",
    "weight_only": "int8 weights, made float when the model is loaded or run; all arithmetic is float",
    "fp16": "weights in half precision",
}
RUNTIME_NOTE = "; each runtime rounds in its own steps, so boxes differ by a few pixels between runtimes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `export inspect`."""
    parser.add_argument("model", type=Path, metavar="MODEL", help="an .onnx or .tflite file")
    parser.add_argument("--sidecar", type=Path, metavar="FILE", help="its description (default: MODEL.toml beside it)")
    parser.add_argument("--json", metavar="FILE|-", help="write the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Inspect one model and return the exit code."""
    require_modest_memory(args.model, args.sidecar)
    reading = read_model(args.model, args.sidecar)
    value = reading_to_json(reading)
    if args.json:
        write_json(value, args.json)
    if args.json != "-":
        print("\n".join(_lines(value)))
    return 0


def reading_to_json(reading: ModelReading) -> dict[str, Any]:
    """Return a reading as the result document of `export inspect`."""
    return {
        "format": reading.facts.format,
        "inputs": [_tensor(spec) for spec in reading.inputs],
        "outputs": [_tensor(spec) for spec in reading.outputs],
        "opset": reading.facts.opset,
        "kind": reading.kind,
        "family": reading.family,
        "preprocessing": reading.preprocessing.to_json() if reading.preprocessing else None,
        "quantization": reading.facts.quantization,
        "int8_layers": reading.facts.int8_layers,
        "layers": reading.facts.layers,
        "narrow_outputs": narrow_outputs(reading),
        "bytes": reading.facts.bytes,
        "decoding": asdict(reading.decoding) if reading.decoding else None,
        "vector": asdict(reading.vector) if reading.vector else None,
        "labels": list(reading.labels),
        "assumed": why_no_detector(reading) if reading.kind == "unknown" else reading.assumed,
    }


def _tensor(spec: TensorSpec) -> dict[str, Any]:
    quantized = {"scale": spec.scale, "zero_point": spec.zero_point} if spec.scale else {}
    return {"name": spec.name, "dtype": spec.dtype, "shape": list(spec.shape), **quantized}


def _lines(value: dict[str, Any]) -> list[str]:
    def tensors(specs: list[dict[str, Any]]) -> str:
        return ", ".join(f"{t['name']} {t['dtype']} {['?' if d is None else d for d in t['shape']]}" for t in specs)

    rows = {
        "format": value["format"] + (f", opset {value['opset']}" if value["opset"] else ""),
        "bytes": f"{value['bytes']:,}",
        "quantization": _quantization(value),
        "inputs": tensors(value["inputs"]).replace("'", ""),
        "outputs": tensors(value["outputs"]).replace("'", ""),
        "kind": value["kind"],
        "family": value["family"] or "-",
        "preprocessing": _short(value["preprocessing"]),
        "note" if value["kind"] == "unknown" else "assumed": value["assumed"] or "-",
    }
    if value["narrow_outputs"]:
        rows["warning"] = "; ".join(value["narrow_outputs"])
    return [f"{name:<14} {text}" for name, text in rows.items()]


def _quantization(value: dict[str, Any]) -> str:
    scheme: str = value["quantization"]
    note = QUANTIZATION_NOTES.get(scheme, "").format_map(value)
    if (value["format"], scheme) == ("tflite", "dynamic"):
        note += RUNTIME_NOTE
    return f"{scheme}: {note}" if note else scheme


def narrow_outputs(reading: ModelReading) -> list[str]:
    """Return a sentence for each integer output that holds boxes beside scores, with what its one scale can hold."""
    if reading.decoding is None:
        return []
    families_of_one_output = len(set(reading.decoding.outputs.values())) == 1
    return [
        f"output {spec.name} is {spec.dtype} with one scale for boxes and scores, it holds {low:.3g} to {high:.3g} "
        "only: hold it against its float model with `export check`"
        for spec in reading.outputs
        if families_of_one_output and spec.scale
        for low, high in [_range(spec)]
    ]


def _range(spec: TensorSpec) -> tuple[float, float]:
    limits = np.iinfo(spec.dtype)
    return (limits.min - spec.zero_point) * spec.scale, (limits.max - spec.zero_point) * spec.scale


def _short(rule: dict[str, Any] | None) -> str:
    return ", ".join(f"{key} {v}" for key, v in rule.items()) if rule else "-"
