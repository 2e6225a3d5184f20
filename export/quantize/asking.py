"""From what a user names to a `Job`: every input that cannot be used gets its sentence here, before hours are spent.

>>> job, remarks = ask(Path("yolox_nano.onnx"), Request(calibration=Path("photos")))
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge.bundle import load_bundle
from edge.errors import InputError, ModelError, UsageError
from export.bundles.memory_trial import require_modest_memory
from export.bundles.reading import ModelReading, read_model
from export.bundles.unknown import tensors, why_no_detector
from export.quantize.in_bundle import reading_in_bundle
from export.quantize.job import MAX_DROP, TARGETS, Chain, Evaluation, Job, Target
from export.quantize.pictures import read_evaluation, read_pictures, require_disjoint

LARGEST_BYTES = (1 << 31) - 1
FEWEST = 2
FEW = 16
INTEGER = ("static", "dynamic", "int8")


@dataclass(frozen=True)
class Request:
    """What was asked for.

    Attributes:
        calibration: folder of pictures.
        labels: COCO or queries file, or None.
        images: folder of the evaluation's pictures; None: every second picture of `calibration` is put aside for it.
        bundle: the bundle whose part the model is to be, or None.
        shard: catalogue of the whole chain, or None.
        kind: "detector" or "embedder", or None where the model tells.
        sidecar: the model's description, None where it lies beside the model.
        targets: what to make files for.
        max_drop: largest loss that passes, points.
    """

    calibration: Path
    labels: Path | None = None
    images: Path | None = None
    bundle: Path | None = None
    shard: Path | None = None
    kind: str | None = None
    sidecar: Path | None = None
    targets: tuple[Target, ...] = TARGETS
    max_drop: float = MAX_DROP


def ask(model: Path, request: Request) -> tuple[Job, tuple[str, ...]]:
    """Read model and pictures.

    Returns:
        The job, and a sentence for each picture that was left out and each thing that the user should know.

    Raises:
        InputError: model, folder or labels cannot be used.
        UsageError: options that need another one.
    """
    if request.labels is not None and request.images is None:
        raise UsageError("--eval names pictures: --images must say in which folder they lie")
    if request.shard is not None and request.bundle is None:
        raise UsageError("--shard is a catalogue of a bundle: give the bundle by --with")
    reading = _read(model, request)
    calibration = read_pictures(request.calibration)
    remarks = list(calibration.problems)
    files = calibration.files
    if request.images is None:
        files, evaluation = files[::2], Evaluation(files[1::2])
        remarks.append(
            f"{request.calibration}: every second picture is put aside to judge by ({len(evaluation.pictures)}): give "
            "--images, or --eval and --images, to judge by others"
        )
    else:
        evaluation, problems = read_evaluation(request.images, request.labels)
        remarks += problems
    if len(files) < FEWEST or not evaluation.pictures:
        raise InputError(
            f"{request.calibration}: {len(calibration.files)} picture cannot show what values a model takes: give at "
            f"least {FEW}, better 32 to 512, like those that it will see"
        )
    if len(files) < FEW:
        remarks.append(f"{request.calibration}: {len(files)} pictures to calibrate on are few: 32 to 512 are better")
    require_disjoint(files, evaluation.pictures)
    chain = Chain(request.bundle, request.shard) if request.bundle is not None else None
    return Job(reading, files, evaluation, request.targets, request.max_drop, chain), tuple(remarks)


def _read(model: Path, request: Request) -> ModelReading:
    _require_whole(model)
    require_modest_memory(model)
    reading = read_model(model, request.sidecar)
    if request.bundle is not None:
        reading = reading_in_bundle(reading, load_bundle(request.bundle))
    if reading.facts.quantization in INTEGER:
        raise ModelError(
            f"{model}: is quantized already ({reading.facts.quantization}): give the float model that it was made "
            f"from, or hold it against that one: python -m export check {model} --reference FLOAT --images DIR"
        )
    if len(reading.inputs) != 1:
        raise ModelError(
            f"{model}: has {len(reading.inputs)} inputs ({tensors(reading.inputs)}), a model that takes one picture is "
            "needed: export it with one input"
        )
    if reading.preprocessing is None or reading.kind == "unknown":
        raise ModelError(f"{model}: {_why_unknown(reading)}")
    if request.kind is not None and (request.kind == "detector") != (reading.kind == "detector"):
        raise ModelError(f"{model}: --kind says {request.kind}, it reads as {reading.kind}: {why_no_detector(reading)}")
    return reading


def _why_unknown(reading: ModelReading) -> str:
    sides = reading.inputs[0].shape
    if len(sides) == 4 and sum(side is None for side in sides) > 1:
        shown = [side if side is not None else "?" for side in sides]
        return (
            f"leaves the size of its input open ({reading.inputs[0].name} {shown}): write `size_wh = [width, height]` "
            f"into a sidecar {reading.path.name}.toml"
        )
    return why_no_detector(reading)


def _require_whole(model: Path) -> None:
    """Refuse files that no reader could take, in words that say why."""
    if model.suffix != ".onnx" or not model.is_file():
        return
    if model.stat().st_size > LARGEST_BYTES:
        raise ModelError(
            f"{model}: is above 2 GB, more than an ONNX file can hold, and no device of the kit could use it"
        )
    import onnx

    try:
        graph = onnx.load(model, load_external_data=False).graph
    except Exception:  # whatever is wrong, opening it says so
        return
    named = {entry.value for tensor in graph.initializer for entry in tensor.external_data if entry.key == "location"}
    if missing := sorted(name for name in named if not (model.parent / name).is_file()):
        raise ModelError(f"{model}: keeps weights in {missing[0]}, which is not beside it: copy that file there too")
