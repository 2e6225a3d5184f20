"""From the trained network to the ONNX file that ships, checked against PyTorch."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path

import numpy as np
import torch

from edge.errors import ModelError
from edge.files import whole_file
from edge.inference.hardware import Hardware
from edge.inference.onnx_session import OnnxSession
from export.train.detector.network import Deployed, Network

TOLERANCE = 1e-4
OPSET = 17


def write_onnx(network: Network, path: Path, size: int) -> float:
    """Write a network as ONNX: input `image` (1, 3, size, size) 0..1 RGB, outputs `scores` and `distances`.

    Args:
        network: trained network.
        path: file to write.
        size: side of the square input in pixels, divisible by 32.

    Returns:
        The largest difference between PyTorch and onnxruntime on pictures of noise and of flat colour.

    Raises:
        ModelError: the two differ by more than 1e-4; nothing is written.
    """
    network = copy.deepcopy(network).cpu()
    deployed = Deployed(network).float().eval().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    probe = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    with whole_file(path) as temporary:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                deployed,
                (probe,),
                str(temporary),
                input_names=["image"],
                output_names=["scores", "distances"],
                opset_version=OPSET,
                dynamo=False,
            )
        worst = max(_difference(deployed, temporary, picture) for picture in (probe, probe * 0 + 0.4, probe**4))
        if worst > TOLERANCE:
            raise ModelError(f"{path}: ONNX and PyTorch differ by {worst:.1e}, more than {TOLERANCE:.0e}: not written")
    return worst


def _difference(deployed: Deployed, path: Path, picture: torch.Tensor) -> float:
    with torch.inference_mode():
        expected = deployed(picture)
    found = OnnxSession(path, Hardware(threads=1)).run({"image": picture.numpy()})
    pairs = zip(expected, (found["scores"], found["distances"]), strict=True)
    return max(float(np.abs(a.numpy() - b).max(initial=0.0)) for a, b in pairs)
