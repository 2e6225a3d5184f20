"""The default embedder quantized to int8 QDQ, with unsigned and with signed activations, for the walks to run."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from edge.bundle import load_bundle
from edge.defaults import default_bundle
from edge.golden import golden_folder, read_pixels

ACTIVATIONS = {"unsigned": QuantType.QUInt8, "signed": QuantType.QInt8}


class _Inputs(CalibrationDataReader):
    """Gives each tensor once, as the quantizer asks for them."""

    def __init__(self, name: str, tensors: np.ndarray) -> None:
        self._left = iter([{name: tensor[None]} for tensor in tensors])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._left, None)


def write_quantized(folder: Path) -> None:
    """Write `unsigned.onnx`, `signed.onnx` and `inputs.npy`: the golden pictures as the embedder's input tensors."""
    bundle = load_bundle(default_bundle())
    embedder = bundle.open_embedder()
    pictures = sorted(golden_folder().glob("*.png"))
    tensors = np.concatenate([embedder.preprocessing.apply(read_pixels(path))[0] for path in pictures])
    np.save(folder / "inputs.npy", tensors)
    prepared = folder / "prepared.onnx"
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            quant_pre_process(
                str(default_bundle() / bundle.embedder.model.file), str(prepared), skip_symbolic_shape=True
            )
            for name, activations in ACTIVATIONS.items():
                inputs = _Inputs(embedder.session.inputs[0].name, tensors)
                quantize_static(
                    str(prepared),
                    str(folder / f"{name}.onnx"),
                    inputs,
                    quant_format=QuantFormat.QDQ,
                    per_channel=True,
                    activation_type=activations,
                    weight_type=QuantType.QInt8,
                )
    finally:
        logging.disable(logging.NOTSET)
