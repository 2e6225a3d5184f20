"""Why a model could not be read, in one sentence that says what was seen and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from edge.decoders import FAMILIES
from edge.decoders.family import image_input
from edge.inference import TensorSpec
from export.bundles.reading import ModelReading


def tensors(specs: Sequence[TensorSpec]) -> str:
    """Return names, types and shapes in words; an open length is a question mark."""
    words = (f"{spec.name} {spec.dtype}{[side or '?' for side in spec.shape]}" for spec in specs)
    return ", ".join(words).replace("'", "") or "none"


def why_no_picture(reading: ModelReading) -> str:
    """Say why no picture can be fed, as the rest of a sentence that begins with the file; empty where one can."""
    if len(reading.inputs) != 1:
        return (
            f"has {len(reading.inputs)} inputs ({tensors(reading.inputs)}), but the kit feeds one picture and nothing "
            "else, no state and no sizes: export it with the other inputs as constants"
        )
    if image_input(reading.inputs) is None:
        return (
            f"its input is no picture (1, 3, height, width) or (1, height, width, 3) of known size "
            f"({tensors(reading.inputs)}): if it takes a picture of any size, write a sidecar {reading.path.name}.toml "
            "with size_wh"
        )
    return ""


def why_no_embedder(reading: ModelReading) -> str:
    """Say why a model is not an embedder that the kit can run, as the rest of a sentence that begins with its file."""
    return why_no_picture(reading) or (
        f"no single output that holds a vector (inputs {tensors(reading.inputs)}; outputs {tensors(reading.outputs)}): "
        f"write a sidecar {reading.path.name}.toml that names the output"
    )


def why_no_detector(reading: ModelReading) -> str:
    """Say why a model is not a detector that the kit can run, as the rest of a sentence that begins with its file."""
    if reason := why_no_picture(reading):
        return reason
    return (
        f"not of a detector family known here (inputs {tensors(reading.inputs)}; outputs {tensors(reading.outputs)}): "
        f"write a sidecar {reading.path.name}.toml with family = one of {', '.join(sorted(FAMILIES))}, and under "
        "[outputs] which output has which role (docs/families.md)"
    )
