"""A larger detector as a teacher: its feature maps on the very picture that the student sees.

Role: a dense signal where labels are few (Romero et al. 2014, FitNets, arXiv 1412.6550). The teacher is a file of the
`yolox` raw-grid family (Ge et al. 2021, arXiv 2107.08430) that the user names; it lends no weights. What is imitated
is what its last convolutions read: the features of class and of box, level by level, strides 8, 16 and 32.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from edge.errors import ModelError
from export.train.onnx_reading import needed_values, read_onnx

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float32]
LEVELS = 3


class Teacher:
    """Feature maps of a YOLOX file for batches of any size.

    Values are standardised per channel by the statistics of the batches seen first, so that all channels weigh alike.
    A CPU computes them by onnxruntime (`look`), in whichever process draws the batch; a GPU by PyTorch
    (`look_on_device`).
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._model, self._features = _with_features(path)
        self._session = ort.InferenceSession(
            self._model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name
        self._mean: list[Floats] = []
        self._std: list[Floats] = []
        self._on_device: Any = None

    def watch(self, images: list[npt.NDArray[np.uint8]]) -> None:
        """Take mean and deviation of every channel from some pictures, all of one size."""
        maps = self._run(np.stack(images))
        self._mean = [level.mean(axis=(0, 2, 3), keepdims=True) for level in maps]
        self._std = [level.std(axis=(0, 2, 3), keepdims=True) + 1e-3 for level in maps]

    def look(self, batch: npt.NDArray[np.uint8]) -> list[Floats]:
        """Return the standardised features of a batch.

        Args:
            batch: (B, H, W, 3) uint8 RGB, H and W divisible by 32.

        Returns:
            One (B, channels, H / stride, W / stride) array a level.
        """
        maps = self._run(batch)
        return [(level - m) / s for level, m, s in zip(maps, self._mean, self._std, strict=True)]

    def look_on_device(self, batch: torch.Tensor) -> list[torch.Tensor]:
        """Return what `look` does as tensors, computed where the batch, (B, 3, H, W) float32 RGB 0..255, lies."""
        import torch

        if self._on_device is None:
            self._on_device = self._moved_to(batch.device)
        graph, means, stds = self._on_device
        found = graph(batch.flip(1))
        maps = [torch.cat(found[2 * i : 2 * i + 2], 1) for i in range(LEVELS)]
        return [(level - m) / s for level, m, s in zip(maps, means, stds, strict=True)]

    def _moved_to(self, device: torch.device) -> tuple[Any, list[torch.Tensor], list[torch.Tensor]]:
        import torch

        from export.train.torch_graph import TorchGraph

        graph = TorchGraph(self._model, self._features, device)
        means, stds = ([torch.from_numpy(v).to(device) for v in values] for values in (self._mean, self._std))
        return graph, means, stds

    def _run(self, batch: npt.NDArray[np.uint8]) -> list[Floats]:
        tensor = np.ascontiguousarray(batch[..., ::-1].transpose(0, 3, 1, 2), np.float32)
        found = self._session.run(self._features, {self._input: tensor})
        return [np.concatenate(found[2 * i : 2 * i + 2], axis=1) for i in range(LEVELS)]


def _with_features(path: Path) -> tuple[Any, list[str]]:
    """Return the model with any input size and its features as outputs, and their names, two a level."""
    graph = (model := read_onnx(path, "the teacher's file")).graph
    from onnx.helper import make_empty_tensor_value_info

    producer = {output: node for node in graph.node for output in node.output}
    heads = [node for node in graph.node if node.op_type == "Concat" and _is_head(node, producer)]
    if len(heads) != LEVELS:
        raise ModelError(f"{path}: has {len(heads)} YOLOX heads, a teacher must have {LEVELS}")
    names = []
    for head in heads:
        box, _, score = (producer[name] for name in head.input)
        names += [producer[score.input[0]].input[0], box.input[0]]
    for axis, symbol in ((0, "batch"), (2, "height"), (3, "width")):
        graph.input[0].type.tensor_type.shape.dim[axis].dim_param = symbol
    del graph.output[:], graph.value_info[:]
    graph.output.extend(make_empty_tensor_value_info(name) for name in names)
    used = needed_values(graph, names)
    kept = [node for node in graph.node if node.output[0] in used]
    del graph.node[:]
    graph.node.extend(kept)
    return model, names


def _is_head(node: object, producer: dict[str, object]) -> bool:
    """Tell a head by its last step: box convolution, objectness sigmoid and class sigmoid side by side."""
    kinds = [getattr(producer.get(name), "op_type", "") for name in getattr(node, "input", [])]
    return kinds == ["Conv", "Sigmoid", "Sigmoid"]
