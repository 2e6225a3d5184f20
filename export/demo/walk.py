"""The whole kit on media of its own making: catalogue -> shard, clip -> tags, tags against the known truth.

>>> result = walk(Path("build/demo"), default_bundle())
>>> result.report
PosixPath('build/demo/report.html')
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge.bundle import load_bundle
from edge.media.sources import open_source
from edge.output.annotate import annotate
from edge.output.report import write_report
from edge.pipeline import STEPS, Kit, tag_source
from edge.shard import open_shard
from edge.shard.keypoints import DEFAULT_KEYPOINT_BYTES
from edge.stopwatch import Stopwatch
from edge.tags import TagRun
from export.catalog.build import Target, build_catalog
from export.catalog.items import read_items
from export.demo.verdicts import Verdict, verdicts
from export.evaluation.photos import Answered, ask
from export.evaluation.queries import read_queries
from export.evaluation.retrieval import Figures, measure, measure_by_group
from export.render.demo_media import DemoMedia, write_demo_media

CATALOG = "demo"
THUMBNAIL_BYTES = 3000
Say = Callable[[str], None]


@dataclass(frozen=True)
class DemoResult:
    """What the demo found and where its results lie.

    Attributes:
        run: the tags of the clip.
        verdicts: the tags against the truth.
        figures: recall and tags on the demo's photos.
        by_group: the same for each group of photos.
        report: the page with crops and products.
        annotated: the clip with boxes and names.
    """

    run: TagRun
    verdicts: list[Verdict]
    figures: Figures
    by_group: dict[str, Figures]
    report: Path
    annotated: Path


def walk(out: Path, bundle_path: Path, seed: int = 0, say: Say = print) -> DemoResult:
    """Render, build, tag, compare and evaluate.

    Args:
        out: folder for everything that is made.
        bundle_path: the models.
        seed: decides the catalogue and the clip.
        say: called with one line before each step.

    Raises:
        TagletError: a step failed; the sentence says which file.
    """
    say("1/4  rendering a catalogue of invented products, a clip and photos of them")
    media = write_demo_media(out, seed)
    say(f"2/4  building the shard of {len(media.products)} products")
    kit = Kit.open(load_bundle(bundle_path), [])
    shard = build_demo_shard(media, kit, out / "shard")
    kit = Kit.open(kit.bundle, [open_shard(shard)])
    say("3/4  tagging the clip, writing the report and the annotated clip")
    run = _tag_clip(kit, media)
    report, annotated = out / "report.html", out / "annotated.mp4"
    write_report(run, report)
    annotate(run.sources[0], annotated)
    say("4/4  evaluating on photos")
    answered = _ask(kit, media)
    return DemoResult(
        run,
        verdicts(media.clip_truth.appearances, run.sources[0]),
        measure(answered.answers, kit.matchings[0]),
        measure_by_group(answered.answers, kit.matchings[0], [query.group for query in answered.queries]),
        report,
        annotated,
    )


def build_demo_shard(media: DemoMedia, kit: Kit, out: Path) -> Path:
    """Embed the demo's catalogue into a shard with its packs and return the shard's folder."""
    keypoint_bytes = DEFAULT_KEYPOINT_BYTES if kit.bundle.second_look else 0
    target = Target(out, CATALOG, 1, kit.bundle.space_id, THUMBNAIL_BYTES, keypoint_bytes)
    build_catalog(read_items(media.items_csv), media.images, kit.embedder, target)
    return out


def _tag_clip(kit: Kit, media: DemoMedia) -> TagRun:
    watch = Stopwatch()
    with open_source(str(media.clip)) as source:
        found = tag_source(kit, source, stopwatch=watch)
    return TagRun(kit.bundle, kit.gallery.shards, (found,), watch.timing_ms(STEPS), demo=True)


def _ask(kit: Kit, media: DemoMedia) -> Answered:
    return ask(kit, read_queries(media.queries_csv).queries, media.photos, "detector")
