"""Whether the pictures can decide a budget, and about how many would.

The width of an interval falls with the root of the number of pictures. Where nothing changed in any of n pictures the
interval has no width, and the rule of three speaks: up to 3 / n of all pictures may still be worse (Hanley and
Lippman-Hand, JAMA 249, 1983).

    >>> pictures_needed(drop_points=0.5, ci95=(-0.5, 1.5), pictures=100, budget=1.0)
    400
"""

from __future__ import annotations

import math

AGREEMENT_ALLOWANCE = 5.0
"""How many times the task's budget agreement with the float model may drop: faint boxes come and go without harm."""
RULE_OF_THREE = 300.0
"""Percent times pictures: the upper bound of a share that was never seen."""
NEAREST = 0.1
"""A drop that lies at the budget cannot be told from it by any number: this share of the budget is told apart."""


def pictures_needed(drop_points: float, ci95: tuple[float, float] | None, pictures: int, budget: float) -> int | None:
    """Estimate how many pictures would tell whether the drop is within the budget.

    Args:
        drop_points: as measured.
        ci95: its interval, None where there is none.
        pictures: how many it was measured on.
        budget: largest drop that passes, points.

    Returns:
        A number of two digits and noughts, at least `pictures`; None where these pictures decide.
    """
    least = RULE_OF_THREE / max(budget, NEAREST)
    if ci95 is None:
        return _rounded_up(max(least, pictures + 1))
    low, high = ci95
    distance = abs(budget - drop_points)
    reach = high - drop_points if drop_points <= budget else drop_points - low
    if reach > distance:
        gap = max(distance, NEAREST * max(budget, NEAREST))
        return _rounded_up(max(pictures * (reach / gap) ** 2, pictures + 1))
    if high == low and drop_points <= budget and pictures < least:
        return _rounded_up(least)
    return None


def _rounded_up(number: float) -> int:
    step = 10.0 ** max(0, math.floor(math.log10(number)) - 1)
    return int(math.ceil(number / step) * step)
