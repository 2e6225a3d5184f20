"""A calibration as a person reads it in a terminal.

>>> print(calibration_table(calibration))
at most 5 % false tags, with 95 % confidence, from photos
...
"""

from __future__ import annotations

from edge.shard.calibration import Calibration, Trial, Way
from export.evaluation.tables import NONE, aligned

NAMES = {
    "nothing": "photos of nothing from the catalogue",
    "left_out": "photos asked without their product",
    "shows": "photos of a product, another one named",
    "products": "catalogue pictures asked without their product",
    "decisions": "sure tags that people decided on",
}


def calibration_table(calibration: Calibration) -> str:
    """Lay out a calibration as text: what is promised, then for each way its thresholds and what they rest on."""
    promised = f"at most {calibration.max_false_tags:.2%} false tags, with {calibration.confidence:.0%} confidence"
    lines = [f"{promised}, from {calibration.basis}"]
    for way in calibration.ways:
        lines += ["", *_way(way, named=len(calibration.ways) > 1)]
    return "\n".join(lines)


def _way(way: Way, named: bool) -> list[str]:
    matching = way.matching
    name = f"{'with second look' if way.second_look else 'embedder alone'}: " if named else ""
    rows = [["", "tried", "false", "at most"], *(_row(trial) for trial in way.trials)]
    thresholds = f"similarity {matching.similarity_threshold:.3f}, margin {matching.margin_threshold:.3f}"
    return [f"{name}{thresholds}; {_kept(way)}", aligned(rows)]


def _row(trial: Trial) -> list[str]:
    tried = str(trial.count) if trial.products is None else f"{trial.count} of {trial.products} products"
    return [NAMES[trial.name], tried, str(trial.false), f"{trial.bound:.1%}"]


def _kept(way: Way) -> str:
    if way.kept is None:
        return "right tags: not known"
    kept = way.kept
    share = f" ({kept.kept / kept.possible:.0%} of the possible ones)" if kept.possible else f" ({NONE})"
    return f"right tags on {kept.kept} of {kept.photos} photos{share}"
