"""Peak memory of calibration over more and more pictures, beside onnxruntime's percentile calibration.

python -m tests.bench.calibration_memory MODEL IMAGES ours|onnxruntime COUNT
"""

from __future__ import annotations

import resource
import sys
import tempfile
from pathlib import Path

import onnx
from onnxruntime.quantization import CalibrationMethod
from onnxruntime.quantization.calibrate import create_calibrator

from export.bundles.reading import read_model
from export.quantize.feeding import CalibrationFeeds
from export.quantize.pictures import evenly
from export.quantize.preparing import prepare
from export.quantize.ranges import observe_ranges
from tests.bench.quantize_table import Reader

MIB = 1024


def main(model: str, images: str, whose: str, count: str) -> None:
    """Print the peak resident memory before calibration and after it, MiB."""
    reading = read_model(Path(model))
    feeds = CalibrationFeeds(reading, evenly(sorted(Path(images).rglob("*.jpg")), int(count)))
    prepared = prepare(reading).model
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // MIB
    if whose == "ours":
        observe_ranges(prepared, feeds)
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.onnx")
            onnx.save(prepared, path)
            calibrator = create_calibrator(
                path, None, str(Path(folder, "augmented.onnx")), calibrate_method=CalibrationMethod.Percentile
            )
            calibrator.collect_data(Reader(iter(feeds)))
            calibrator.compute_data()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // MIB
    print(whose, count, "pictures:", before, "MiB before,", after, "MiB at the peak", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
