"""`python -m export evaluate`: how good a bundle is, on photos and videos with known answers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from edge.bundle import load_bundle
from edge.command_line import progress, say, write_json
from edge.defaults import choose_bundle
from edge.errors import UsageError
from edge.files import write_whole
from edge.inference.hardware import add_hardware_arguments, hardware_of
from edge.pipeline import Kit
from edge.shard import open_shard
from edge.verdict import Verdict, joined, verdict_bytes
from export.calibration.kept_promise import PromiseCheck, check_promise
from export.evaluation.photos import CROPS, Answered, ask
from export.evaluation.queries import read_queries
from export.evaluation.retrieval import measure, measure_by_group
from export.evaluation.tables import detection_table, retrieval_table

EXAMPLE = """  python -m export evaluate --bundle bundle --shard shard --queries queries.csv --images photos
  python -m export evaluate --bundle bundle --coco labels.json --images photos --json -
  python -m export evaluate --shard shard --queries queries.csv --images photos --verdict ok.json --min-recall 0.8
  python -m export evaluate --shard shard --clips clips/a.json clips/b.json --images clips"""
EXIT_INPUT = 3
EXIT_BUDGET = 5
WAYS = ("with second look", "embedder alone")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="models (default: those of the package)")
    parser.add_argument("--images", type=Path, metavar="DIR", required=True, help="folder that the paths start from")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--queries", type=Path, metavar="FILE.csv", help="path,product_id[,group]: recall and tags")
    what.add_argument("--coco", type=Path, metavar="FILE.json", help="labelled boxes: the detector alone")
    what.add_argument("--clips", type=Path, nargs="+", metavar="FILE.json", help="what videos show: tags and times")
    parser.add_argument("--shard", type=Path, metavar="DIR", help="catalogue to search (with --queries, --clips)")
    parser.add_argument("--crop", choices=CROPS, default="detector", help="what is embedded (default: %(default)s)")
    parser.add_argument("--no-second-look", action="store_true", help="rank by the embedder alone")
    add_hardware_arguments(parser)
    parser.add_argument("--verdict", type=Path, metavar="FILE", help="write what `server publish` asks for")
    parser.add_argument("--min-recall", type=float, metavar="X", help="recall@1 that the verdict demands, 0 to 1")
    parser.add_argument("--json", metavar="FILE|-", help="write the result document")


def run(args: argparse.Namespace) -> int:
    """Evaluate, print a table, write the document; return 0, 3 if a query was not usable, or 5 below --min-recall."""
    _require_verdict_usable(args)
    document, table, problems = (_detections if args.coco else _clips if args.clips else _queries)(args)
    for problem in problems:
        say(f"export evaluate: {problem}")
    print(table, file=sys.stderr if args.json == "-" else sys.stdout)
    if args.json:
        write_json({**document, "skipped": len(problems)}, args.json)
    passed = args.verdict is None or _write_verdict(args, document)
    return EXIT_INPUT if problems else 0 if passed else EXIT_BUDGET


def _require_verdict_usable(args: argparse.Namespace) -> None:
    if (args.verdict is None) != (args.min_recall is None):
        raise UsageError("--verdict and --min-recall belong together: a verdict says whether a recall was reached")
    if args.verdict is not None and args.queries is None:
        raise UsageError("--verdict is about a shard: give --queries and --shard")
    if args.min_recall is not None and not 0 <= args.min_recall <= 1:
        raise UsageError(f"--min-recall {args.min_recall:g}: between 0 and 1")


def _write_verdict(args: argparse.Namespace, document: dict[str, Any]) -> bool:
    """Write the verdict and return whether it passed; without a query there is no recall, so it does not."""
    recall = document["recall_at_1"]
    passed = bool(document["queries"]) and recall is not None and recall >= args.min_recall
    check = {"name": "recall_at_1", "passed": passed, "value": recall, "minimum": args.min_recall}
    check |= {"queries": document["queries"], "crop": document["crop"], "bundle": document["bundle"]["sha256"]}
    verdict = joined(args.verdict, Verdict.of(document["shard"]["sha256"], (check,)))
    write_whole(args.verdict, verdict_bytes(verdict))
    if not passed:
        say(f"export evaluate: recall@1 is below --min-recall {args.min_recall:g}: {args.verdict} says not passed")
    return passed


def _queries(args: argparse.Namespace) -> tuple[dict[str, Any], str, tuple[str, ...]]:
    if args.shard is None:
        raise UsageError("--queries needs --shard, the catalogue that the photos are searched in")
    file = read_queries(args.queries)
    bundle, shards = load_bundle(choose_bundle(args.bundle)), [open_shard(args.shard)]
    kit = Kit.open(bundle, shards, hardware=hardware_of(args), second_look=not args.no_second_look)
    calibration = kit.gallery.shards[0].calibration
    leave_out = calibration is not None and any(t.name == "left_out" for way in calibration.ways for t in way.trials)
    for note in kit.notes:
        say(f"export evaluate: {note}")
    answered = ask(kit, progress(file.queries, "asking", unit="photo"), args.images, args.crop, leave_out)
    problems = (*file.problems, *(f"{args.queries}, {problem}" for problem in answered.problems))
    return *_retrieval(kit, answered, args.crop), problems


def _retrieval(kit: Kit, answered: Answered, crop: str) -> tuple[dict[str, Any], str]:
    matching, shard = kit.matchings[0], kit.gallery.shards[0]
    matching_alone = shard.matching(kit.bundle.matching, None)
    whole = measure(answered.answers, matching)
    names = [query.group for query in answered.queries]
    groups = measure_by_group(answered.answers, matching, names)
    alone = measure(answered.embedder_alone, matching_alone)
    groups_alone = measure_by_group(answered.embedder_alone, matching_alone, names)
    promise = _promise(kit, answered)
    document = {
        **whole.document(),
        "by": {name: figures.document() for name, figures in groups.items()},
        "second_look": kit.second_look is not None,
        "embedder_alone": {**alone.document(), "by": {name: g.document() for name, g in groups_alone.items()}},
        "crop": crop,
        "crops": len(answered.answers.photo),
        "without_crop": len(answered.answers) - len(set(answered.answers.photo.tolist())),
        "similarity_threshold": matching.similarity_threshold,
        "margin_threshold": matching.margin_threshold,
        "promise": promise.document() if promise else None,
        "bundle": {"name": kit.bundle.name, "sha256": kit.bundle.sha256, "space_id": kit.bundle.space_id},
        "shard": {"catalog": shard.catalog, "version": shard.version, "items": shard.products, "sha256": shard.sha256},
    }
    promised = [f"\n{promise.table()}"] if promise else []
    if kit.second_look is None:
        return document, "\n".join([retrieval_table({"all": whole, **groups}), *promised])
    rows = {"all": (whole, alone)} | {name: (groups[name], groups_alone[name]) for name in groups}
    ways = {f"{name}, {way}": figures for name, pair in rows.items() for way, figures in zip(WAYS, pair, strict=True)}
    return document, "\n".join([retrieval_table(ways), *promised])


def _promise(kit: Kit, answered: Answered) -> PromiseCheck | None:
    """Check what the thresholds in force promise; None where they promise nothing."""
    shard, rule = kit.gallery.shards[0], kit.second_look.rule if kit.second_look else None
    if shard.calibration is None or shard.calibrated(rule) is None:
        return None
    return check_promise(shard.calibration, kit.matchings[0], answered, with_second_look=rule is not None)


def _clips(args: argparse.Namespace) -> tuple[dict[str, Any], str, tuple[str, ...]]:
    from export.evaluation.clip_runs import tag_clips

    if args.shard is None:
        raise UsageError("--clips needs --shard, the catalogue that the videos are searched for")
    bundle, shards = load_bundle(choose_bundle(args.bundle)), [open_shard(args.shard)]
    kit = Kit.open(bundle, shards, hardware=hardware_of(args), second_look=not args.no_second_look)
    tagged = tag_clips(kit, progress(args.clips, "tagging", unit="clip"), args.images)
    entry = {"name": bundle.name, "sha256": bundle.sha256, "space_id": bundle.space_id}
    return (
        {**tagged.document(), "bundle": entry, "shard": {"sha256": shards[0].sha256}},
        tagged.table(),
        tagged.problems,
    )


def _detections(args: argparse.Namespace) -> tuple[dict[str, Any], str, tuple[str, ...]]:
    from export.evaluation.detection import evaluate_detections, read_coco

    if args.shard is not None:
        raise UsageError("--coco measures the detector alone: leave --shard away")
    labelled = read_coco(args.coco)
    detector = load_bundle(choose_bundle(args.bundle)).open_detector(hardware_of(args))
    evaluated = evaluate_detections(detector, progress(labelled, "detecting", len(labelled), "image"), args.images)
    document = evaluated.document()
    return document, detection_table(document), evaluated.problems
