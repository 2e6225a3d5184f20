"""Clips with known appearances through the kit: tagged as `edge tag` does, and judged.

>>> tagged = tag_clips(kit, [Path("truth/a.json")], Path("clips"))
>>> tagged.figures().f1
0.93
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge.errors import InputError
from edge.media.sources import open_source
from edge.pipeline import Kit, tag_source
from export.evaluation.appearances import ClipTruth, read_truth
from export.evaluation.clips import ClipFigures, Judged, claim_of, figures, judge
from export.evaluation.tables import NONE, aligned

WORDS = {
    "shown": "appearances",
    "right": "right tags",
    "fragments": "fragments",
    "false": "false tags",
    "ambiguous": "ambiguous",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "switches": "identity switches",
    "start_error_s": "start, s",
    "end_error_s": "end, s",
    "false_per_minute": "false a minute",
}


@dataclass(frozen=True)
class TaggedClips:
    """What became of each clip.

    Attributes:
        names: the clips that could be tagged, as their truth names them.
        judged: their tags against the truth.
        problems: a sentence for each clip that could not be tagged, or only in part.
    """

    names: tuple[str, ...]
    judged: tuple[Judged, ...]
    problems: tuple[str, ...]

    def figures(self) -> ClipFigures:
        """Return the figures over all clips."""
        return figures(self.judged)

    def document(self) -> dict[str, Any]:
        """Return the figures, and those of each clip under `by`."""
        by = {name: asdict(figures([one])) for name, one in zip(self.names, self.judged, strict=True)}
        return {**asdict(self.figures()), "by": by}

    def table(self) -> str:
        """Return the figures as text, a line for each clip and one for all."""
        rows = [["", *WORDS.values()]]
        for name, one in zip(self.names, self.judged, strict=True):
            rows.append([name, *_cells(figures([one]))])
        return aligned([*rows, ["all", *_cells(self.figures())]])


def tag_clips(kit: Kit, truths: Iterable[Path], folder: Path) -> TaggedClips:
    """Tag clips and hold the tags against their truth.

    Args:
        kit: models and catalogue.
        truths: documents, see `export.evaluation.appearances`.
        folder: where the paths of the clips start from.
    """
    names, judged, problems = [], [], []
    for path in truths:
        try:
            truth = read_truth(path)
            require_listed(kit, truth, path)
            with open_source(str(folder / truth.path)) as source:
                found = tag_source(kit, source)
        except InputError as e:
            problems.append(str(e))
            continue
        if found.error:
            problems.append(found.error)
        names.append(truth.path)
        judged.append(judge(truth, [claim_of(tag) for tag in found.tags]))
    return TaggedClips(tuple(names), tuple(judged), tuple(problems))


def require_listed(kit: Kit, truth: ClipTruth, path: Path) -> None:
    """Check that the catalogue has every product that the truth names.

    Raises:
        InputError: it has not; what no catalogue lists has a `product_id` of null.
    """
    for shown in truth.appearances:
        product_id = shown.product_id
        if product_id is not None and all(shard.find(product_id) is None for shard in kit.gallery.shards):
            raise InputError(f"{path}: product {product_id!r} is in no shard that was given: null stands for unlisted")


def _cells(found: ClipFigures) -> list[str]:
    values = asdict(found)
    return [
        NONE if (value := values[name]) is None else f"{value:.2f}" if isinstance(value, float) else str(value)
        for name in WORDS
    ]
