"""The words that table, report and picture share: times, counts, and what a similarity means.

Times are minutes and seconds from the start of a source.

    >>> clock(83.46), time_range(1.0, 2.5), count(2, "product")
    ('1:23.5', '0:01.0 – 0:02.5', '2 products')
"""

from __future__ import annotations

from edge.bundle import Matching
from edge.bundle_description import SecondLookPart
from edge.shard import Shard
from edge.tags import SourceTags, Tag, TagRun, Unmatched


def clock(seconds: float) -> str:
    """Return a time as minutes and seconds with one decimal, with hours where there are any."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    start = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{start}:{rest / 10:04.1f}"


def time_range(start_s: float, end_s: float) -> str:
    """Return a range of time, or one time where both ends read the same."""
    start, end = clock(start_s), clock(end_s)
    return start if start == end else f"{start} – {end}"


def when(source: SourceTags, seen: Tag | Unmatched) -> str:
    """Return when something is seen; nothing for a picture."""
    return time_range(seen.start_s, seen.end_s) if source.kind == "video" else ""


def count(n: int, noun: str) -> str:
    """Return a number with its noun, in the plural where that is right."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def explain_tag(tag: Tag, matching: Matching) -> str:
    """Say in plain words why the product is suggested and how sure that is."""
    first = tag.candidates[0]
    needed = f"{first.similarity:.2f}, where {matching.similarity_threshold:.2f} is needed"
    if len(tag.candidates) == 1:
        return f"Looks like the catalogue picture ({needed}). The catalogue holds no other product to confuse it with."
    second = tag.candidates[1]
    if tag.status == "ambiguous":
        return (
            f"Could as well be “{second.title}”: the two are only {tag.margin:.2f} apart, "
            f"and {matching.margin_threshold:.2f} is needed to choose. A person should look."
        )
    strength = _strength(first.similarity, matching.similarity_threshold)
    return f"{strength} ({needed}). The next product, “{second.title}”, is {tag.margin:.2f} behind."


def explain_unmatched(unmatched: Unmatched, matching: Matching | None) -> str:
    """Say in plain words why no product is suggested; there are no thresholds where nothing is near."""
    if unmatched.nearest is None or matching is None:
        return "The catalogue is empty."
    nearest, needed = unmatched.nearest, matching.similarity_threshold
    return f"Nearest is “{nearest.title}” at {nearest.similarity:.2f}; {needed:.2f} is needed."


def thresholds(run: TagRun) -> list[str]:
    """Say for each catalogue from where on its products are suggested, and what that promises."""
    return [_thresholds_of(shard, shard.matching(run.bundle.matching, run.rule), run.rule) for shard in run.shards]


def promises(run: TagRun) -> list[str]:
    """Say in a few words for each catalogue that was calibrated what its thresholds promise."""
    return [
        f"{shard.catalog}: at most {shard.calibration.max_false_tags:.1%} false tags (calibrated)"
        for shard in run.shards
        if shard.calibration and shard.calibrated(run.rule)
    ]


def _thresholds_of(shard: Shard, matching: Matching, rule: SecondLookPart | None) -> str:
    said = (
        f"A product of {shard.catalog} is suggested from {matching.similarity_threshold:.2f} on; where the next "
        f"product is closer than {matching.margin_threshold:.2f}, the tag is called ambiguous."
    )
    if shard.calibration is None or shard.calibrated(rule) is None:
        return said
    shown = "photos" if shard.calibration.basis == "photos" else "pictures like the catalogue's own"
    return (
        f"{said} That is set for this catalogue, so that at most {shard.calibration.max_false_tags:.1%} of {shown} get "
        f"a false tag ({shard.calibration.confidence:.0%} confidence)."
    )


def summary(sources: tuple[SourceTags, ...]) -> list[str]:
    """Say in a few words each what a run found."""
    tags = [tag for source in sources for tag in source.tags]
    ambiguous = sum(tag.status == "ambiguous" for tag in tags)
    unmatched = sum(len(source.unmatched) for source in sources)
    failed = sum(source.error is not None for source in sources)
    parts = [count(len(tags), "tag") + (f" ({ambiguous} ambiguous)" if ambiguous else "")]
    parts.append(f"not in the catalogue: {count(unmatched, 'object')}")
    parts.append(count(len(sources), "source") + (f", {failed} with a problem" if failed else ""))
    return parts


def _strength(similarity: float, threshold: float) -> str:
    """Name how far the similarity stands above the threshold, as a share of the way to identical."""
    share = (similarity - threshold) / max(1 - threshold, 1e-6)
    if share >= 0.5:
        return "Very close to the catalogue picture"
    return "Clearly like the catalogue picture" if share >= 0.2 else "Just like enough to the catalogue picture"
