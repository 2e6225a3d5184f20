"""The spine of quantization: float model -> forms -> judged -> timed -> recommended -> report.

>>> job, remarks = ask(Path("yolox_nano.onnx"), Request(Path("photos")))
>>> document = quantize(job, Path("out"), remarks)
>>> document["recommended"]["pi"]
'yolox_nano.mixed.onnx'
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.command_line import say
from edge.errors import BudgetNotMet, MissingExtra, ModelError
from edge.files import whole_folder
from export.bundles.reading import read_model
from export.quantize.job import Evaluation, Job
from export.quantize.judged import Judge, Judged
from export.quantize.mobile_format import write_ort
from export.quantize.noise import TensorNoise, tensor_noise
from export.quantize.onnx_source import OnnxSource
from export.quantize.pictures import evenly
from export.quantize.repair import LEAST_SHARE, Found, search
from export.quantize.report import Report, write_report
from export.quantize.sizes import itemised
from export.quantize.timing import Timing, time_in_turn
from export.quantize.variant import NotMade, Variant
from export.quantize.verdict import STATIC, Measured, broken_promise, recommend

MARKER = "report.json"
CHOOSING = 48
"""So many calibration pictures decide between ranges."""
LARGE = 0.3

Tell = Callable[[dict[str, Any]], None]


def quantize(job: Job, out: Path, remarks: Sequence[str] = (), tell: Tell | None = None) -> dict[str, Any]:
    """Quantize a model, judge and time what came out, and write the files with their report.

    Args:
        job: what is asked.
        out: the folder; it appears whole, or not at all.
        remarks: sentences that belong into the report.
        tell: told the report document, also where the budget is not met.

    Returns:
        The report document.

    Raises:
        BudgetNotMet: no file for a target holds the budget; nothing is left at `out`.
        ModelError: the model cannot be quantized.
        OutputError: `out` cannot be written.
    """
    with whole_folder(out, MARKER, "quantization report") as folder:
        report = assess(job, folder, remarks)
        document = report.document()
        if tell is not None:
            tell(document)
        if report.broken:
            raise BudgetNotMet(f"{job.reading.path}: {report.broken}")
        write_report(report, folder)
    return document


def assess(job: Job, folder: Path, remarks: Sequence[str] = ()) -> Report:
    """Make all forms of a model in a folder, judge and time them."""
    judge, chooser = open_judges(job)
    source = OnnxSource.open(job)
    floating = source.floating(folder)
    found = search(source, folder, _judging(chooser), _judging(judge), job.max_drop)
    static = _kept(found, folder, source.stem)
    made, not_made = _split([floating, *_light_forms(source, folder, judge, job.max_drop), *_litert_forms(job, folder)])
    itself = _itself(found.plain.judged)
    judged = {floating.path: itself, static.path: found.chosen.judged} | _judge_all(judge, made[1:])
    forms = [made[0], static, *made[1:]]
    timings = time_in_turn({form.path.name: _timed(job, form) for form in forms})
    measured = [_measure(job, form, source.prepared.float_bytes, judged[form.path], timings) for form in forms]
    measured = [_with_companions(m, not_made) for m in measured]
    choices = {target: recommend(target, measured, measured[0]) for target in job.targets}
    warning = source.domain_warning(job)
    return Report(
        job=job,
        measured=tuple(measured),
        not_made=tuple(not_made),
        choices=choices,
        found=found,
        noise=_noise(source, static),
        broken=broken_promise(job.targets, measured),
        remarks=(*remarks, *source.problems, *filter(None, (source.prepared.note, warning))),
        calibrated_on=source.fed,
    )


def open_judges(job: Job) -> tuple[Judge, Judge]:
    """Return who judges on the evaluation's pictures, and who on those of the calibration, to choose ranges by."""
    from export.quantize.judging import open_judge

    few = Evaluation(evenly(job.calibration, CHOOSING))
    return open_judge(job), open_judge(replace(job, calibration=(), evaluation=few))


def _judging(judge: Judge) -> Callable[[Variant], Judged]:
    return lambda variant: judge.judge(read_model(variant.path))


def _judge_all(judge: Judge, forms: Sequence[Variant]) -> dict[Path, Judged]:
    return {form.path: judge.judge(read_model(form.path)) for form in forms}


def _itself(judged: Judged) -> Judged:
    """Return what a float model's own judgement is: it loses nothing against itself."""
    same = replace(judged, quantized=judged.floating, drop_points=0.0, drop_ci95=(0.0, 0.0), pictures_needed=None)
    return replace(same, reason="", details={})


def _light_forms(source: OnnxSource, folder: Path, judge: Judge, max_drop: float) -> Iterator[Variant | NotMade]:
    """Yield the forms that compute in float32; layers that bear int8 weights badly store float16 where it takes that."""
    form = source.weight_only(folder)
    if not judge.judge(read_model(form.path)).passes(max_drop):
        form = source.weight_only(folder, source.light_order())
    yield form
    try:
        yield source.half(folder)
    except ModelError as e:
        yield NotMade("fp16", ("pi", "phone", "web"), str(e))


def _litert_forms(job: Job, folder: Path) -> Iterator[Variant | NotMade]:
    """Yield what LiteRT runs, for a Pi and a phone; what cannot be made says why."""
    if not {"pi", "phone"} & set(job.targets):
        return
    try:
        from export.quantize.litert import litert_variants
    except ImportError:
        return
    try:
        yield from litert_variants(job, folder)
    except (ModelError, MissingExtra) as e:
        yield NotMade("int8", ("pi", "phone"), str(e))


def _split(forms: Sequence[Variant | NotMade]) -> tuple[list[Variant], list[NotMade]]:
    return [f for f in forms if isinstance(f, Variant)], [f for f in forms if isinstance(f, NotMade)]


def _kept(found: Found, folder: Path, stem: str) -> Variant:
    """Give the chosen trial its final name and remove the others."""
    chosen = found.chosen.variant
    for trial in found.trials:
        if trial.variant.path != chosen.path:
            trial.variant.path.unlink()
            trial.variant.path.with_name(f"{trial.variant.path.name}.toml").unlink(missing_ok=True)
    path = chosen.path.rename(folder / f"{stem}.{chosen.scheme}.onnx")
    sidecar = chosen.path.with_name(f"{chosen.path.name}.toml")
    if sidecar.exists():
        sidecar.rename(path.with_name(f"{path.name}.toml"))
    return replace(chosen, path=path)


def _timed(job: Job, form: Variant) -> tuple[Path, Any]:
    return form.path, read_model(form.path).preprocessing or job.reading.preprocessing


def _measure(job: Job, form: Variant, float_bytes: int, judged: Judged, timings: dict[str, Timing]) -> Measured:
    size = form.path.stat().st_size
    ratio = size / float_bytes
    enough = form.scheme not in STATIC or form.int8_macs_share >= LEAST_SHARE
    passed = form.scheme == "float" or (judged.passes(job.max_drop) and enough)
    parts = itemised(form.path) if ratio > LARGE and form.path.suffix == ".onnx" else {}
    return Measured(form, size, ratio, judged, timings.get(form.path.name), passed, parts=parts)


def _with_companions(measured: Measured, not_made: list[NotMade]) -> Measured:
    """Add the ORT form to a static ONNX file that holds the budget."""
    path = measured.variant.path
    if path.suffix != ".onnx" or measured.variant.scheme not in STATIC or not measured.passed:
        return measured
    try:
        return replace(measured, companions=tuple(file.name for file in write_ort(path)))
    except ModelError as e:
        not_made.append(NotMade(measured.variant.scheme, ("phone",), str(e)))
        return measured


def _noise(source: OnnxSource, static: Variant) -> tuple[TensorNoise, ...]:
    try:
        return tensor_noise(source.prepared.model, static.path, source.few)
    except ModelError as e:
        say(str(e))
        return ()
