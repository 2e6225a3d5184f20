"""From the trained network to the ONNX file that ships, checked against PyTorch."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch

from edge.errors import ModelError
from edge.files import whole_file
from edge.inference.hardware import Hardware
from edge.inference.onnx_session import OnnxSession
from export.bundles.graph import SIDECAR_KEY
from export.train.embedder.network import SIZE, Network

TOLERANCE = 1e-4
OPSET = 17
PREPROCESSING = """colour = "RGB"
resize = "stretch"
mean = 127.5
std = 127.5
output = "embedding"
"""


def write_onnx(network: Network, path: Path, size: int = SIZE) -> float:
    """Write a network as ONNX: `input` (batch, 3, size, size), `embedding` (batch, ndim) of unit length.

    Args:
        network: trained network.
        path: file to write.
        size: side of the square input in pixels.

    Returns:
        The largest difference between PyTorch and onnxruntime on noise and on flat colour.

    Raises:
        ModelError: the two differ by more than 1e-4; nothing is written.
    """
    network = copy.deepcopy(network).cpu().float().eval().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    noise = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    batch = {0: "batch"}
    with whole_file(path) as temporary:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                network,
                (noise,),
                str(temporary),
                input_names=["input"],
                output_names=["embedding"],
                dynamic_axes={"input": batch, "embedding": batch},
                opset_version=OPSET,
                dynamo=False,
            )
        _describe(temporary)
        worst = max(_difference(network, temporary, picture) for picture in (noise, noise * 0 + 0.3, noise**3))
        if worst > TOLERANCE:
            raise ModelError(f"{path}: ONNX and PyTorch differ by {worst:.1e}, more than {TOLERANCE:.0e}: not written")
    return worst


def _describe(path: Path) -> None:
    """Write into the file how a picture becomes its input, so that no sidecar has to lie beside it."""
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {SIDECAR_KEY: PREPROCESSING})
    onnx.save(model, path)


def _difference(network: Network, path: Path, picture: torch.Tensor) -> float:
    with torch.inference_mode():
        expected = network(picture).numpy()
    found = OnnxSession(path, Hardware(threads=1)).run({"input": picture.numpy()})["embedding"]
    return float(np.abs(expected - found).max(initial=0.0))
