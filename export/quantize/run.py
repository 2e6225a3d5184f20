"""The spine of quantization: float model -> forms -> judged -> timed -> recommended -> report.

>>> job, remarks = ask(Path("yolox_nano.onnx"), Request(Path("photos")))
>>> document = quantize(job, Path("out"), remarks)
>>> document["recommended"]["pi"]
'yolox_nano.mixed.onnx'
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import onnxruntime as ort

from edge.errors import BudgetNotMet, ModelError, NetworkError, UsageError
from edge.files import whole_folder
from edge.preprocessing import Preprocessing
from export.bundles.reading import read_model
from export.quantize.feeding import calibration_views
from export.quantize.forms import Forms, LitertForms, OnnxForms
from export.quantize.job import Evaluation, Job
from export.quantize.judged import Judged
from export.quantize.mobile_format import write_ort
from export.quantize.noise import TensorNoise, tensor_noise
from export.quantize.onnx_source import LARGE, OnnxSource
from export.quantize.pictures import evenly
from export.quantize.repair import LEAST_SHARE, Found, JudgeVariant, choose_rule, remove, search, sidecar_of
from export.quantize.report import Report, write_report
from export.quantize.sizes import itemised
from export.quantize.timing import Timing, time_in_turn
from export.quantize.variant import NotMade, Variant
from export.quantize.verdict import REFUSED, STATIC, Measured, broken_promise, recommend

MARKER = "report.json"
CHOOSING = 48
"""So many calibration pictures decide between ranges."""

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
    source = OnnxSource.open(job) if job.reading.path.suffix == ".onnx" else None
    made = [
        *(onnx_forms(source, job, folder, judge, chooser) if source else ()),
        *litert_forms(source, job, folder, judge),
    ]
    forms, not_made = [f for f in made if isinstance(f, Form)], [f for f in made if isinstance(f, NotMade)]
    if not forms:
        raise ModelError(f"{job.reading.path}: nothing can be made of it: {not_made[0].why}")
    timings = time_in_turn({form.path.name: (form.path, _rule_of(job, form.path)) for form in forms})
    float_bytes = source.prepared.float_bytes if source else job.reading.facts.bytes
    measured = [_measure(job, form, float_bytes, timings) for form in forms]
    measured = [_with_companions(m, not_made) for m in measured]
    noise = _noise(source, forms) if source else ()
    measured = [m if m.passed else _set_aside(m, folder / REFUSED) for m in measured]
    about_source = (source.prepared.note, source.domain_warning(job), *source.problems) if source else ()
    return Report(
        job=job,
        measured=tuple(measured),
        not_made=tuple(not_made),
        choices={target: recommend(target, measured, measured[0]) for target in job.targets},
        found=next((form.found for form in forms if form.found), None),
        noise=noise,
        broken=broken_promise(job.targets, measured, not_made),
        remarks=(*remarks, *filter(None, (*about_source, _untried(measured)))),
        calibrated_on=source.fed if source else len(job.calibration),
    )


@dataclass(frozen=True)
class Form:
    """A file, what was judged of it, and the search that it came from, for static forms."""

    variant: Variant
    judged: Judged
    found: Found | None = None

    @property
    def path(self) -> Path:
        """The file."""
        return self.variant.path


def onnx_forms(
    source: OnnxSource, job: Job, folder: Path, judge: JudgeVariant, chooser: JudgeVariant
) -> Iterator[Form | NotMade]:
    """Yield the float form, the static one, and those that compute in float32."""
    floating = source.floating(folder)
    yield Form(floating, _itself(judge(floating)))
    if {"pi", "phone"} & set(job.targets):
        rule = choose_rule(source, folder, chooser)
        yield from _static(OnnxForms(source, folder, rule), judge, job.max_drop)
    yield _weight_only(source, folder, judge, job.max_drop)
    try:
        yield _judged(source.half(folder), judge)
    except ModelError as e:
        yield NotMade("fp16", job.targets, str(e))


def litert_forms(like: OnnxSource | None, job: Job, folder: Path, judge: JudgeVariant) -> Iterator[Form | NotMade]:
    """Yield what LiteRT runs on a Pi and a phone; what cannot be made says why."""
    if not {"pi", "phone"} & set(job.targets):
        return
    try:
        from export.quantize.litert import open_litert

        source = open_litert(job, folder, lambda: calibration_views(job))
    except (ModelError, NetworkError, UsageError) as e:
        yield NotMade("int8", ("pi", "phone"), str(e))
        return
    yield _judged(source.float32(), judge)
    yield from _static(LitertForms(source, like), judge, job.max_drop)
    stem = job.reading.path.stem
    for made in (
        source.int8(f"{stem}.int8.tflite", outputs="int8"),
        source.half(f"{stem}.fp16.tflite"),
        source.dynamic(f"{stem}.dynamic.tflite"),
    ):
        yield made if isinstance(made, NotMade) else _judged(made, judge)


def _static(forms: Forms, judge: JudgeVariant, max_drop: float) -> Iterator[Form | NotMade]:
    try:
        found = search(forms, judge, max_drop)
    except ModelError as e:
        yield NotMade("mixed", ("pi", "phone"), str(e))
        return
    chosen = found.chosen.variant
    path = chosen.path.rename(chosen.path.with_name(f"{forms.stem}.{chosen.scheme}{chosen.path.suffix}"))
    if sidecar_of(chosen.path).exists():
        sidecar_of(chosen.path).rename(sidecar_of(path))
    yield Form(replace(chosen, path=path), found.chosen.judged, found)


def _weight_only(source: OnnxSource, folder: Path, judge: JudgeVariant, max_drop: float) -> Form:
    """Return the form of int8 weights; layers that bear them badly store float16 where the budget takes that."""
    form = _judged(source.weight_only(folder), judge)
    if form.judged.passes(max_drop):
        return form
    better = _judged(source.weight_only(folder, source.light_order(), tag="weights"), judge)
    chosen, other = (better, form) if better.judged.drop_points < form.judged.drop_points else (form, better)
    remove(other.variant)
    path = chosen.path.rename(folder / f"{source.stem}.weight_only.onnx")
    if sidecar_of(chosen.path).exists():
        sidecar_of(chosen.path).rename(sidecar_of(path))
    return replace(chosen, variant=replace(chosen.variant, path=path))


def _judged(variant: Variant, judge: JudgeVariant) -> Form:
    return Form(variant, judge(variant))


def open_judges(job: Job) -> tuple[JudgeVariant, JudgeVariant]:
    """Return who judges on the evaluation's pictures, and who on those of the calibration, to choose ranges by."""
    from export.quantize.judging import open_judge

    few = Evaluation(evenly(job.calibration, CHOOSING))
    final, choosing = open_judge(job), open_judge(replace(job, calibration=(), evaluation=few))
    return (lambda v: final.judge(read_model(v.path))), (lambda v: choosing.judge(read_model(v.path)))


def _itself(judged: Judged) -> Judged:
    """Return what a float model's own judgement is: it loses nothing against itself."""
    same = replace(judged, quantized=judged.floating, drop_points=0.0, drop_ci95=(0.0, 0.0), pictures_needed=None)
    return replace(same, reason="", details={})


def _rule_of(job: Job, path: Path) -> Preprocessing:
    rule = read_model(path).preprocessing or job.reading.preprocessing
    assert rule is not None, "only models that take a picture come here"
    return rule


def _measure(job: Job, form: Form, float_bytes: int, timings: dict[str, Timing]) -> Measured:
    variant, size = form.variant, form.path.stat().st_size
    enough = variant.scheme not in STATIC or variant.int8_macs_share >= LEAST_SHARE
    passed = form.judged.passes(job.max_drop) and enough
    large = size / float_bytes > LARGE and variant.scheme in (*STATIC, "weight_only")
    parts = _parts(form.path) if large else {}
    return Measured(variant, size, size / float_bytes, form.judged, timings[form.path.name], passed, parts=parts)


def _parts(path: Path) -> dict[str, int]:
    if path.suffix == ".onnx":
        return itemised(path)
    from export.quantize.litert import sizes

    return sizes.itemised(path)


def _with_companions(measured: Measured, not_made: list[NotMade]) -> Measured:
    """Add the runtimes that load a file, and the ORT form to a static ONNX file that holds the budget."""
    path = measured.variant.path
    if path.suffix == ".tflite":
        from export.quantize.litert.runtimes import runtimes_of

        return replace(measured, runtimes=runtimes_of(path))
    measured = replace(measured, runtimes=(f"onnxruntime {ort.__version__}",))
    if measured.variant.scheme not in STATIC or not measured.passed:
        return measured
    try:
        return replace(measured, companions=tuple(file.name for file in write_ort(path)))
    except ModelError as e:
        not_made.append(NotMade(measured.variant.scheme, ("phone",), str(e)))
        return measured


def _untried(measured: Sequence[Measured]) -> str:
    """Return how a runtime that files were only held against by their operators can be tried, else nothing."""
    if not any("by operator versions" in runtime for m in measured for runtime in m.runtimes):
        return ""
    return (
        "tflite-runtime is not here, so what is said of it comes from the versions of the operators: "
        "TAGLET_TFLITE_PYTHON=PYTHON names a Python that has it, to try each file."
    )


def _set_aside(measured: Measured, folder: Path) -> Measured:
    """Move a refused file and its sidecar to where nobody takes it for a result."""
    folder.mkdir(exist_ok=True)
    path = measured.variant.path
    if sidecar_of(path).exists():
        sidecar_of(path).rename(folder / sidecar_of(path).name)
    return replace(measured, variant=replace(measured.variant, path=path.rename(folder / path.name)))


def _noise(source: OnnxSource, forms: Sequence[Form]) -> tuple[TensorNoise, ...]:
    static = next((form for form in forms if form.variant.scheme in STATIC), None)
    return tensor_noise(source.prepared.model, static.path, source.few) if static else ()
