"""The LiteRT candidates of a job, one after the other.

>>> for made in litert_variants(job, folder):
...     print(made)
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from edge.errors import ModelError, NetworkError, UsageError
from export.quantize.job import Job
from export.quantize.litert.source import TARGETS, Images, LitertSource, open_litert
from export.quantize.variant import NotMade, Variant


def litert_variants(
    job: Job, folder: Path, keep_float: Collection[str] = (), images: Images | None = None
) -> Iterator[Variant | NotMade]:
    """Yield float, float16, dynamic, mixed and full-integer LiteRT files of a job's model.

    Args:
        job: what is asked.
        folder: where the files are made, each with its sidecar.
        keep_float: layers of the int8 files that stay in float.
        images: see `open_litert`.

    Raises:
        InputError: no calibration picture can be read.
        OutputError: a file cannot be written.
        MissingExtra: the quantizer is not installed.
    """
    if not set(job.targets) & set(TARGETS):
        return
    try:
        source = open_litert(job, folder, images)
    except (ModelError, NetworkError, UsageError) as e:
        yield NotMade("int8", TARGETS, str(e))
        return
    yield from variants_of(source, keep_float)


def variants_of(source: LitertSource, keep_float: Collection[str] = ()) -> Iterator[Variant | NotMade]:
    """Yield the candidates that a float LiteRT model gives; see `litert_variants`."""
    stem = source.reading.path.stem
    yield source.float32()
    yield source.half(f"{stem}.fp16.tflite")
    yield source.dynamic(f"{stem}.dynamic.tflite")
    yield source.int8(f"{stem}.mixed.tflite", keep_float)
    yield source.int8(f"{stem}.int8.tflite", keep_float, outputs="int8")
