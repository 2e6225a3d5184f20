"""One encoder for each family and variant: a box, its score and its class become the outputs of a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.decoders import Decoding
from edge.decoders.anchors import AnchorRule
from edge.decoders.family import cell_centres

INPUT_WH = (96, 64)
CLASSES = 3
STRIDES = (8, 16, 32)
FOUR_STRIDES = (8, 16, 32, 64)
BINS = 8
Array = npt.NDArray[np.float32]
Encoded = tuple[dict[str, Array], Decoding]
Encoder = Callable[[Array, float, int], Encoded]


def logit(p: float) -> float:
    return float(np.log(p / (1 - p)))


def centred(xyxy: Array) -> Array:
    return np.concatenate([(xyxy[:2] + xyxy[2:]) / 2, xyxy[2:] - xyxy[:2]]).astype(np.float32)


def cell_of(cells: Array, xyxy: Array) -> int:
    return int(np.abs((cells[:, :2] + 0.5) * cells[:, 2:] - centred(xyxy)[:2]).sum(axis=1).argmin())


def encode_fcos(xyxy: Array, score: float, class_id: int) -> Encoded:
    cells = cell_centres(INPUT_WH, STRIDES)
    scores, distances = np.zeros((1, len(cells), CLASSES)), np.zeros((1, len(cells), 4))
    row = cell_of(cells, xyxy)
    stride = cells[row, 2]
    centre = (cells[row, :2] + 0.5) * stride
    scores[0, row, class_id] = score
    distances[0, row] = np.concatenate([centre - xyxy[:2], xyxy[2:] - centre]) / stride
    return {"s": scores, "d": distances}, Decoding("fcos", {"scores": "s", "distances": "d"}, STRIDES)


def encode_yolox(xyxy: Array, score: float, class_id: int) -> Encoded:
    cells = cell_centres(INPUT_WH, STRIDES)
    grid = np.zeros((1, len(cells), 5 + CLASSES))
    row = cell_of(cells, xyxy)
    stride = cells[row, 2]
    grid[0, row, :2] = centred(xyxy)[:2] / stride - cells[row, :2]
    grid[0, row, 2:4] = np.log((xyxy[2:] - xyxy[:2]) / stride)
    grid[0, row, 4], grid[0, row, 5 + class_id] = score**0.5, score**0.5
    return {"g": grid}, Decoding("yolox", {"grid": "g"}, STRIDES)


def encode_fastestdet(xyxy: Array, score: float, class_id: int) -> Encoded:
    columns, rows = INPUT_WH[0] // 16, INPUT_WH[1] // 16
    output = np.zeros((1, 5 + CLASSES, rows, columns))
    centre = centred(xyxy)[:2] / INPUT_WH * (columns, rows)
    x, y = np.minimum(centre.astype(int), (columns - 1, rows - 1))
    share = (xyxy[2:] - xyxy[:2]) / INPUT_WH
    output[0, 1:3, y, x] = np.arctanh(centre - (x, y))
    output[0, 3:5, y, x] = logit(float(share[0])), logit(float(share[1]))
    output[0, 0, y, x], output[0, 5 + class_id, y, x] = score, score
    return {"m": output}, Decoding("fastestdet", {"map": "m"}, (16,))


def encode_decoded(box_format: str, normalized: bool, background: int) -> Encoder:
    def encode(xyxy: Array, score: float, class_id: int) -> Encoded:
        boxes, scores = np.zeros((1, 7, 4)), np.zeros((1, 7, CLASSES))
        values = xyxy / np.tile(INPUT_WH, 2) if normalized else xyxy
        values = centred(values) if box_format == "cxcywh" else values
        boxes[0, 5] = values[[1, 0, 3, 2]] if box_format == "yxyx" else values
        scores[0, 5, class_id] = score
        if background >= 0:
            scores = np.insert(scores, background, 1 - scores.max(axis=2), axis=2)
        options = {"box_format": box_format, "normalized": normalized, "background": background}
        return {"b": boxes, "s": scores}, Decoding("decoded_boxes", {"boxes": "b", "scores": "s"}, options=options)

    return encode


def bins_of(xyxy: Array, cell: Array, offset: float) -> Array:
    """Return logits whose softmax has its mean at each of the four distances: two neighbouring bins share it."""
    centre = (cell[:2] + offset) * cell[2]
    logits = np.full((4, BINS), -40.0)
    for side, distance in enumerate(np.concatenate([centre - xyxy[:2], xyxy[2:] - centre]) / cell[2]):
        low = min(int(distance), BINS - 2)
        share = distance - low
        logits[side, low : low + 2] = np.log(max(1 - share, 1e-12)), np.log(max(share, 1e-12))
    return logits.ravel()


def gfl_cell(xyxy: Array, strides: tuple[int, ...], offset: float) -> int:
    """Return the finest cell around the box's centre whose bins reach its sides."""
    cells = cell_centres(INPUT_WH, strides)
    centre = (cells[:, :2] + offset) * cells[:, 2:]
    sides = np.concatenate([centre - xyxy[:2], xyxy[2:] - centre], axis=1) / cells[:, 2:]
    return int(np.flatnonzero((sides >= 0).all(axis=1) & (sides <= BINS - 1).all(axis=1))[0])


def encode_gfl(strides: tuple[int, ...], maps: str, activation: str = "none") -> Encoder:
    def encode(xyxy: Array, score: float, class_id: int) -> Encoded:
        cells = cell_centres(INPUT_WH, strides)
        row = gfl_cell(xyxy, strides, 0.5)
        scores, sides = np.zeros((len(cells), CLASSES)), np.zeros((len(cells), 4 * BINS))
        scores[row, class_id], sides[row] = score, bins_of(xyxy, cells[row], 0.5)
        if activation == "sigmoid":
            scores = np.where(scores > 0, logit(min(score, 1 - 1e-6)), -30.0)
        outputs = {}
        for stride in strides:
            mine = cells[:, 2] == stride
            outputs[f"s{stride}"] = as_level(scores[mine], stride, maps)
            outputs[f"d{stride}"] = as_level(sides[mine], stride, maps)
        roles = {f"scores_{s}": f"s{s}" for s in strides} | {f"distances_{s}": f"d{s}" for s in strides}
        return outputs, Decoding("gfl", roles, strides, {"activation": activation})

    return encode


def as_level(rows: Array, stride: int, maps: str) -> Array:
    grid = rows.reshape(-(-INPUT_WH[1] // stride), -(-INPUT_WH[0] // stride), -1)
    return {"rows": rows, "planes": grid.transpose(2, 0, 1), "channels last": grid}[maps][None]


def encode_nanodet_plus(xyxy: Array, score: float, class_id: int) -> Encoded:
    cells = cell_centres(INPUT_WH, FOUR_STRIDES)
    row = gfl_cell(xyxy, FOUR_STRIDES, 0.0)
    grid = np.zeros((1, len(cells), CLASSES + 4 * BINS))
    grid[0, row, class_id], grid[0, row, CLASSES:] = score, bins_of(xyxy, cells[row], 0.0)
    return {"g": grid}, Decoding("nanodet_plus", {"grid": "g"}, FOUR_STRIDES)


def encode_yunet(xyxy: Array, score: float, class_id: int) -> Encoded:
    cells = cell_centres(INPUT_WH, STRIDES)
    row = cell_of(cells, xyxy)
    values = {"c": np.zeros((len(cells), CLASSES)), "o": np.zeros((len(cells), 1)), "b": np.zeros((len(cells), 4))}
    values["c"][row, class_id], values["o"][row] = score, score
    values["b"][row, :2] = centred(xyxy)[:2] / cells[row, 2] - cells[row, :2]
    values["b"][row, 2:] = np.log(centred(xyxy)[2:] / cells[row, 2])
    names = {"classes": "c", "objectness": "o", "boxes": "b"}
    outputs = {f"{n}{s}": rows[cells[:, 2] == s][None] for n, rows in values.items() for s in STRIDES}
    roles = {f"{role}_{stride}": f"{name}{stride}" for role, name in names.items() for stride in STRIDES}
    return outputs, Decoding("yunet", roles, STRIDES)


def encode_predictions(
    family: str, transposed: bool, normalized: bool, classes: int = CLASSES, extra: int = 0, told: bool = False
) -> Encoder:
    """Encode the YOLOv5 or YOLOv8 layout; every row has a box, as in a real model; `told`: the option says which."""

    def encode(xyxy: Array, score: float, class_id: int) -> Encoded:
        cells = cell_centres(INPUT_WH, STRIDES)
        boxes = np.concatenate([(cells[:, :2] + 0.5) * cells[:, 2:], cells[:, 2:], cells[:, 2:]], axis=1)
        v5 = family == "yolov5"
        boxes = np.repeat(boxes, 3 if v5 else 1, axis=0)
        row, first = len(boxes) // 2, 5 if v5 else 4
        rows = np.zeros((len(boxes), first + classes + extra))
        boxes[row] = centred(xyxy)
        rows[:, :4] = boxes / np.tile(INPUT_WH, 2) if normalized else boxes
        rows[row, 4 : first + classes] = score**0.5 if v5 else 0
        rows[row, first : first + classes] = 0
        rows[row, first + min(class_id, classes - 1)] = score**0.5 if v5 else score
        rows[:, first + classes :] = 5.0
        output = rows if (family == "yolov8") == transposed else rows.T
        options: dict[str, Any] = {"classes": classes} if extra else {}
        options |= {"normalized": normalized} if told else {}
        return {"p": output[None]}, Decoding(family, {"predictions": "p"}, STRIDES, options)

    return encode


def encode_counted(family: str, count: int | None, swapped: bool = False, pixels: bool = False) -> Encoder:
    def encode(xyxy: Array, score: float, class_id: int) -> Encoded:
        boxes, scores, classes = np.zeros((1, 6, 4)), np.zeros((1, 6)), np.zeros((1, 6))
        box = xyxy[[1, 0, 3, 2]] / np.tile(INPUT_WH[::-1], 2) if family == "tflite_postprocess" else xyxy
        boxes[0, 0] = box if pixels or family == "tflite_postprocess" else xyxy / np.tile(INPUT_WH, 2)
        scores[0, 0], classes[0, 0] = score, class_id
        if count is not None:
            scores[0, count:] = 0.9  # padding that must not be read
        outputs = {"b": boxes, "s": classes if swapped else scores, "c": scores if swapped else classes}
        roles = {"boxes": "b", "scores": "s", "classes": "c"}
        if count is not None:
            outputs["n"], roles["count"] = np.array([float(count)]), "n"
        return outputs, Decoding(family, roles, options={"tell_by_values": True} if swapped else {})

    return encode


def encode_end_to_end(columns: str, normalized: bool, shape: tuple[int, ...] = (1, 9)) -> Encoder:
    def encode(xyxy: Array, score: float, class_id: int) -> Encoded:
        box = xyxy / np.tile(INPUT_WH, 2) if normalized else xyxy
        values = {"skip": [0.0], "xyxy": list(box), "score": [score], "class": [float(class_id)]}
        row = [value for name in columns.split(",") for value in values[name]]
        rows = np.zeros((shape[-1], len(row)))
        rows[2 if len(rows) > 2 else 0] = row
        outputs, roles = {"r": rows.reshape(*shape, len(row))}, {"rows": "r"}
        if "class" not in columns:
            outputs["c"], roles["classes"] = np.full((1, len(rows)), float(class_id)), "c"
        return outputs, Decoding("end_to_end", roles, options={"columns": columns})

    return encode


def encode_detr(activation: str, no_object: bool) -> Encoder:
    def encode(xyxy: Array, score: float, class_id: int) -> Encoded:
        score = min(score, 1 - 1e-5)
        width = CLASSES + int(no_object)
        logits = np.full((1, 5, width), -30.0)
        logits[0, :, -1] = 10.0 if no_object else -30.0
        if activation == "softmax":
            rest = (1 - score) / (width - 1)
            logits[0, 3] = np.log(rest)
            logits[0, 3, class_id] = np.log(score)
        else:
            logits[0, 3, class_id] = logit(score) if activation == "sigmoid" else score
        if activation == "none":
            logits = np.maximum(logits, 0)
        boxes = np.full((1, 5, 4), 0.5)
        boxes[0, 3] = centred(xyxy / np.tile(INPUT_WH, 2))
        options = {"activation": activation, "no_object": no_object}
        return {"l": logits, "b": boxes}, Decoding("detr", {"logits": "l", "boxes": "b"}, options=options)

    return encode


def encode_ssd(rule: AnchorRule, order: str, exponential: bool, scales: list[float], background: int) -> Encoder:
    def encode(xyxy: Array, score: float, class_id: int) -> Encoded:
        anchors = rule.anchors(INPUT_WH)
        target = centred(xyxy / np.tile(INPUT_WH, 2))
        row = int(np.abs(anchors - target).sum(axis=1).argmin())
        size = target[2:] / anchors[row, 2:]
        value = np.concatenate(
            [(target[:2] - anchors[row, :2]) / anchors[row, 2:], np.log(size) if exponential else size]
        )
        value = value * scales
        boxes = np.zeros((1, len(anchors), 6))
        boxes[0, row, :4] = value if order == "xywh" else value[[1, 0, 3, 2]]
        logits = np.full((1, len(anchors), CLASSES), -30.0)
        logits[0, row, class_id] = logit(min(score, 1 - 1e-5))
        if background >= 0:
            logits = np.insert(logits, background, 5.0, axis=2)
        options = {
            "anchors": rule.to_json(),
            "box_order": order,
            "exponential": exponential,
            "scales": scales,
            "background": background,
        }
        return {"b": boxes, "s": logits}, Decoding("ssd_raw", {"boxes": "b", "scores": "s"}, options=options)

    return encode


SSD_ANCHORS = AnchorRule((8, 16, 32), aspect_ratios=(1.0, 2.0, 0.5), reduce_lowest=True)
BLAZE_ANCHORS = AnchorRule((8, 16, 16, 16), fixed_size=True)
ENCODERS: dict[str, Encoder] = {
    "fcos": encode_fcos,
    "yolox": encode_yolox,
    "fastestdet": encode_fastestdet,
    "decoded xyxy shares": encode_decoded("xyxy", True, -1),
    "decoded yxyx shares, background first": encode_decoded("yxyx", True, 0),
    "decoded cxcywh pixels, background last": encode_decoded("cxcywh", False, CLASSES),
    "gfl, three levels": encode_gfl(STRIDES, "rows"),
    "gfl, four levels, planes": encode_gfl(FOUR_STRIDES, "planes"),
    "gfl, channels last, sigmoid": encode_gfl(STRIDES, "channels last", "sigmoid"),
    "nanodet_plus": encode_nanodet_plus,
    "yunet": encode_yunet,
    "yolov8": encode_predictions("yolov8", False, False),
    "yolov8 transposed": encode_predictions("yolov8", True, False),
    "yolov8 shares": encode_predictions("yolov8", False, True),
    "yolov8 shares, told": encode_predictions("yolov8", False, True, told=True),
    "yolov8 with masks": encode_predictions("yolov8", False, False, extra=32),
    "yolov5": encode_predictions("yolov5", False, False),
    "yolov5 transposed": encode_predictions("yolov5", True, False),
    "yolov5 shares": encode_predictions("yolov5", False, True),
    "yolov5 with masks": encode_predictions("yolov5", False, False, extra=32),
    "tflite_postprocess": encode_counted("tflite_postprocess", 1),
    "tflite_postprocess, told by values": encode_counted("tflite_postprocess", 2, swapped=True),
    "nms_outputs with a count": encode_counted("nms_outputs", 1, pixels=True),
    "nms_outputs without, shares": encode_counted("nms_outputs", None),
    "end_to_end": encode_end_to_end("xyxy,score,class", False),
    "end_to_end, two dimensions, shares": encode_end_to_end("xyxy,class,score", True, (9,)),
    "end_to_end, class first": encode_end_to_end("class,score,xyxy", False),
    "end_to_end, number of the picture first": encode_end_to_end("skip,xyxy,class,score", False, (1,)),
    "end_to_end, DetectionOutput": encode_end_to_end("skip,class,score,xyxy", True, (1, 1, 9)),
    "end_to_end, classes apart": encode_end_to_end("xyxy,score", False),
    "detr, no-object": encode_detr("softmax", True),
    "detr, sigmoid": encode_detr("sigmoid", False),
    "detr, sigmoid and no-object": encode_detr("sigmoid", True),
    "detr, scores": encode_detr("none", False),
    "ssd_raw": encode_ssd(SSD_ANCHORS, "yxhw", True, [10.0, 10.0, 5.0, 5.0], 0),
    "ssd_raw, BlazeFace": encode_ssd(BLAZE_ANCHORS, "xywh", False, [96.0, 64.0, 96.0, 64.0], -1),
}
