"""The HTML report: one file that shows what was found, needs no script and no network, and prints well.

Everything that comes from outside (titles, file names, product pages) is escaped by the template, and the page
forbids itself to load anything.

    >>> write_report(run, Path("report.html"))
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path, PurePath
from typing import Any

from edge.defaults import DEMO_NOTICE
from edge.document import TIMINGS
from edge.files import write_whole
from edge.output.pictures import CataloguePictures, crop_uri
from edge.output.wording import clock, count, explain_tag, explain_unmatched, summary, thresholds, when
from edge.shard.record import ProductRecord
from edge.tags import Candidate, SourceTags, Tag, TagRun, Unmatched

UNMATCHED_SHOWN = 60
TICKS = 8
TICK_STEPS_S = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)


def write_report(run: TagRun, path: Path) -> None:
    """Write the report of a run.

    Args:
        run: the result of tagging.
        path: where to; the file is there whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    write_whole(path, report_html(run))


def report_html(run: TagRun) -> str:
    """Return the report of a run as one HTML text."""
    from jinja2 import Environment, StrictUndefined

    here = files("edge.output")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(here.joinpath("report.html").read_text("utf-8"))
    pictures = CataloguePictures()
    sources = [_source(run, source, pictures) for source in run.sources]
    page = template.render(
        style=here.joinpath("report.css").read_text("utf-8"),
        notice=DEMO_NOTICE if run.demo else "",
        summary=" · ".join(summary(run.sources)),
        sources=sources,
        pictures=pictures.uris,
        thresholds=thresholds(run),
        **_provenance(run),
    )
    return page.encode("utf-8", "replace").decode()


def _provenance(run: TagRun) -> dict[str, Any]:
    return {
        "bundle": run.bundle,
        "licences": [{str(k): str(v) for k, v in licence.items()} for licence in run.bundle.licences],
        "shards": run.shards,
        "timing": [(name, float(run.timing_ms.get(name, 0.0))) for name in TIMINGS],
    }


def _source(run: TagRun, source: SourceTags, pictures: CataloguePictures) -> dict[str, Any]:
    duration_s = _duration(source)
    shown = source.unmatched[:UNMATCHED_SHOWN]
    return {
        "name": PurePath(source.path).name or source.path,
        "path": source.path,
        "facts": _facts(source),
        "error": source.error,
        "partial": source.partial,
        "found": bool(source.tags or source.unmatched),
        "ticks": _ticks(duration_s) if source.tags else [],
        "tags": [_tag(run, source, tag, duration_s, pictures) for tag in source.tags],
        "unmatched": [_unmatched(run, source, unmatched) for unmatched in shown],
        "unmatched_count": count(len(source.unmatched), "object"),
        "unmatched_more": len(source.unmatched) - len(shown),
    }


def _tag(run: TagRun, source: SourceTags, tag: Tag, duration_s: float, pictures: CataloguePictures) -> dict[str, Any]:
    first, *others = tag.candidates
    record = _record(run, first)
    return {
        "id": tag.tag_id,
        "status": tag.status,
        "title": first.title,
        "details": _details(record),
        "url": _web_address(record),
        "crop": crop_uri(tag.best.crop),
        "picture": pictures.add(run.shards[first.shard], first.product_id),
        "similarity": first.similarity,
        "similarity_share": _percent(first.similarity, 1),
        "margin": tag.margin if others else None,
        "needed": run.matching(first).similarity_threshold,
        "why": explain_tag(tag, run.matching(first)),
        "when": when(source, tag),
        "best_at": clock(tag.best.timestamp_s),
        "bar": _bar(tag, duration_s),
        "alternatives": [
            {"title": c.title, "similarity": c.similarity, "picture": pictures.add(run.shards[c.shard], c.product_id)}
            for c in others
        ],
    }


def _unmatched(run: TagRun, source: SourceTags, unmatched: Unmatched) -> dict[str, Any]:
    return {
        "crop": crop_uri(unmatched.best.crop),
        "when": when(source, unmatched),
        "why": explain_unmatched(unmatched, run.matching(unmatched.nearest) if unmatched.nearest else None),
    }


def _facts(source: SourceTags) -> str:
    width, height = source.resolution_wh
    facts: list[str] = [source.kind]
    if source.kind == "video" and source.duration_s is not None:
        facts.append(clock(source.duration_s))
    if width and height:
        facts.append(f"{width} × {height}")
    if source.kind == "video":
        facts.append(f"{count(source.frames_detected, 'frame')} looked at")
    return " · ".join(facts)


def _record(run: TagRun, candidate: Candidate) -> ProductRecord:
    shard = run.shards[candidate.shard]
    row = shard.find(candidate.product_id)
    return ProductRecord(candidate.product_id, candidate.title) if row is None else shard.record(row)


def _details(record: ProductRecord) -> str:
    stock = {True: "in stock", False: "sold out", None: ""}[record.in_stock]
    price = f"{record.price} {record.currency}".strip() if record.price else ""
    return " · ".join(filter(None, [record.brand, price, stock, record.product_id]))


def _web_address(record: ProductRecord) -> str:
    """Return the product's page; nothing where the catalogue gives another scheme, such as javascript:."""
    return record.url if record.url.lower().startswith(("https://", "http://")) else ""


def _duration(source: SourceTags) -> float:
    """Return the length that the timeline shows; 0 for a picture."""
    if source.kind == "image":
        return 0.0
    ends = [tag.end_s for tag in source.tags] + [unmatched.end_s for unmatched in source.unmatched]
    return max([source.duration_s or 0.0, *ends])


def _bar(tag: Tag, duration_s: float) -> dict[str, float] | None:
    """Return where the bar of a tag starts and how long it is, in percent of the timeline."""
    if duration_s <= 0:
        return None
    return {"left": _percent(tag.start_s, duration_s), "width": _percent(tag.end_s - tag.start_s, duration_s)}


def _ticks(duration_s: float) -> list[tuple[float, str]]:
    """Return at most `TICKS` round times with their place in percent."""
    if duration_s <= 0:
        return []
    step = next((s for s in TICK_STEPS_S if duration_s / s <= TICKS), duration_s / TICKS)
    times = [i * step for i in range(int(duration_s / step) + 1)]
    return [(_percent(t, duration_s), clock(t).removesuffix(".0")) for t in times]


def _percent(part: float, whole: float) -> float:
    return round(100 * min(max(part / whole, 0.0), 1.0), 2)
