"""What `export quantize` is asked to do, as values: what is below takes these, nothing from the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from export.bundles.reading import ModelReading

Target = Literal["pi", "phone", "web"]
TARGETS: tuple[Target, ...] = get_args(Target)
MAX_DROP = 1.0


@dataclass(frozen=True)
class Chain:
    """The rest of the pipeline that a model works in.

    Attributes:
        bundle: folder of the bundle whose detector or embedder the model takes the place of.
        shard: folder of the catalogue to search; None where the whole chain is not judged.
    """

    bundle: Path
    shard: Path | None = None


@dataclass(frozen=True)
class Evaluation:
    """What a variant is judged by; where nothing is labelled, by agreement with the float model on `pictures`.

    Attributes:
        pictures: picture files that no calibration has seen.
        labels: detector: a COCO file; embedder: a queries file; None: agreement with the float model.
        images: folder that the paths of `labels` start from.
    """

    pictures: tuple[Path, ...]
    labels: Path | None = None
    images: Path | None = None


@dataclass(frozen=True)
class Job:
    """One call of `export quantize`.

    Attributes:
        reading: the float model, as the kit reads it.
        calibration: picture files that ranges are measured on; disjoint from the evaluation by content.
        evaluation: what the variants are judged by.
        targets: what to make files for.
        max_drop: largest loss that passes, points (hundredths) of the metric.
        chain: the pipeline around the model, or None.
    """

    reading: ModelReading
    calibration: tuple[Path, ...]
    evaluation: Evaluation
    targets: tuple[Target, ...] = TARGETS
    max_drop: float = MAX_DROP
    chain: Chain | None = None
