"""Pictures as a model will see them: its own preprocessing, or the crops of the detector it works with.

>>> feeds = CalibrationFeeds(reading, pictures, chain)
>>> for feed in feeds: ...
>>> feeds.skipped
('photos/cut.jpg: this JPEG picture is damaged or cut ...',)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from edge.bundle import load_bundle
from edge.crops import cut_crops
from edge.detector import Detector
from edge.errors import MediaError
from edge.inference import TensorSpec
from edge.inference.hardware import Hardware
from edge.preprocessing import ImageArray
from export.bundles.reading import ModelReading
from export.evaluation.photos import open_photo
from export.quantize.job import Chain, Job
from export.quantize.ranges import Feeds


class CalibrationFeeds:
    """The feeds of a model, made anew from the files each time they are iterated; nothing is kept in memory.

    Attributes:
        skipped: a sentence for each picture of the last iteration that could not be read or holds nothing to embed.
        fed: how many feeds the last iteration gave.
    """

    def __init__(self, reading: ModelReading, pictures: Sequence[Path], chain: Chain | None = None) -> None:
        assert reading.preprocessing is not None, "only models that take a picture are quantized"
        self._rule, self._input, self._pictures = reading.preprocessing, reading.inputs[0], tuple(pictures)
        self._values = self._rule.pixel_values(TensorSpec(self._input.name, self._input.shape, "float32"))
        self._detector, self._margin = _detector_before(reading, chain)
        self.skipped: tuple[str, ...] = ()
        self.fed = 0

    def __iter__(self) -> Iterator[Feeds]:
        skipped: list[str] = []
        self.fed, self.skipped = 0, ()
        for path in self._pictures:
            try:
                views = _views(open_photo(path).image, self._detector, self._margin)
            except MediaError as e:
                skipped.append(str(e))
                continue
            if not views:
                skipped.append(f"{path}: the bundle's detector finds nothing in it, so there is nothing to embed")
            for view in views:
                self.fed += 1
                yield {self._input.name: self._rule.feed(view, self._values)[0]}
        self.skipped = tuple(skipped)


def calibration_views(job: Job) -> Iterator[ImageArray]:
    """Yield what a job calibrates on, (H, W, 3) uint8 RGB: its pictures, or the crops of its bundle's detector."""
    detector, margin = _detector_before(job.reading, job.chain)
    for path in job.calibration:
        with suppress(MediaError):
            yield from _views(open_photo(path).image, detector, margin)


def _views(image: ImageArray, detector: Detector | None, margin: float) -> list[ImageArray]:
    return [image] if detector is None else cut_crops(image, detector.detect(image).xyxy, margin)


def _detector_before(reading: ModelReading, chain: Chain | None) -> tuple[Detector | None, float]:
    if chain is None or reading.kind == "detector":
        return None, 0.0
    bundle = load_bundle(chain.bundle)
    return bundle.open_detector(Hardware(threads=1)), bundle.embedder.crop_margin
