"""`python -m edge tag`: find the products in pictures and videos."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from edge.bundle import load_bundle
from edge.command_line import INTERRUPTED as EXIT_INTERRUPTED
from edge.command_line import progress, say, write_json
from edge.defaults import add_home_argument, choose_bundle, home_folder, open_catalogs
from edge.errors import MediaError, TagletError, UsageError
from edge.inference.hardware import add_hardware_arguments, hardware_of
from edge.media.sources import expand_inputs, open_source
from edge.pipeline import INTERRUPTED, STEPS, Kit, Limits, Selection, tag_source
from edge.second_look import why_not
from edge.stopwatch import Stopwatch
from edge.tags import SourceTags, TagRun

EXAMPLE = "  python -m edge tag clip.mp4 photos/ --report report.html --json tags.json"
EXIT_INPUT = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="picture, video, folder of pictures, or camera:0")
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="models to use (default: those of the package)")
    parser.add_argument(
        "--shard",
        type=Path,
        action="append",
        metavar="DIR",
        help="catalogue to search, repeatable (default: what was last synced, else the demo catalogue)",
    )
    add_home_argument(parser)
    parser.add_argument(
        "--every", type=_seconds, metavar="S", help="look at a video every S seconds (default: where something changes)"
    )
    parser.add_argument(
        "--realtime",
        action="store_true",
        help="take a video at its own speed, as a camera: leave out what comes too late",
    )
    parser.add_argument(
        "--budget", type=_milliseconds, metavar="MS", help="at most MS milliseconds of work for each second of video"
    )
    parser.add_argument("--category", help="suggest products of this category only")
    parser.add_argument("--region", help="suggest products of this region only")
    parser.add_argument("--in-stock", action="store_true", help="suggest products only that are in stock")
    parser.add_argument(
        "--second-look",
        action=argparse.BooleanOptionalAction,
        help="look again at close calls, by what is printed on the products (default: where bundle and catalogue can)",
    )
    add_hardware_arguments(parser)
    parser.add_argument(
        "--draft",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="keep what `edge accept`, `reject` and `correct` need, on this device only (default: yes)",
    )
    parser.add_argument("--json", metavar="FILE|-", help="write the tag document")
    parser.add_argument("--report", type=Path, metavar="OUT.html", help="write a page with crops and products")
    parser.add_argument("--annotate", type=Path, metavar="OUT", help="write the picture or video with boxes and names")


def run(args: argparse.Namespace) -> int:
    """Tag every input; return 0, or 3 if one could not be used, or 130 if interrupted."""
    watch = Stopwatch()
    if args.annotate and len(args.paths) != 1:
        raise UsageError(f"--annotate draws one input, {len(args.paths)} were given")
    bundle = load_bundle(choose_bundle(args.bundle))
    catalogs = open_catalogs(args.shard, home_folder(args.home), bundle.space_id)
    wanted = args.second_look is not False
    selection = Selection(args.category, args.region, True if args.in_stock else None)
    kit = Kit.open(bundle, catalogs.shards, selection, hardware_of(args), wanted)
    for note in (*catalogs.notes, *kit.notes, *_no_second_look(kit, args)):
        say(f"edge tag: {note}")
    sources = tuple(_tag_all(kit, args, watch))
    looked_again = None if args.second_look is None and not kit.second_look else kit.second_look is not None
    result = TagRun(bundle, kit.gallery.shards, sources, watch.timing_ms(STEPS), catalogs.demo, looked_again)
    _write_results(result, args)
    if args.draft:
        _keep_draft(result, args)
    if any(source.error == INTERRUPTED for source in sources):
        return EXIT_INTERRUPTED
    return EXIT_INPUT if any(source.error for source in sources) else 0


def _no_second_look(kit: Kit, args: argparse.Namespace) -> list[str]:
    """Say why there is no second look, where one was asked for."""
    if not args.second_look or kit.second_look:
        return []
    return [str(why_not(kit.bundle.second_look, kit.gallery.shards))]


def _tag_all(kit: Kit, args: argparse.Namespace, watch: Stopwatch) -> Iterator[SourceTags]:
    """Tag the inputs one after the other; one that cannot be used is said and kept as an entry with its error."""
    for path, error in progress(list(_inputs(args.paths)), "tagging", unit="input"):
        result = _failed(path, error) if error else _tag_one(kit, path, args, watch)
        for sentence in (*result.notes, *filter(None, [result.error])):
            say(f"edge tag: {sentence}")
        yield result
        if result.error == INTERRUPTED:
            return


def _inputs(paths: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """Yield each picture or video with None, and each path that names none with a sentence."""
    for path in paths:
        try:
            yield from ((found, None) for found in expand_inputs([path]))
        except MediaError as e:
            yield path, str(e)


def _tag_one(kit: Kit, path: str, args: argparse.Namespace, watch: Stopwatch) -> SourceTags:
    try:
        with open_source(path) as source:
            return tag_source(kit, source, args.every, watch, Limits(args.realtime, args.budget))
    except MediaError as e:
        return _failed(path, str(e))
    except KeyboardInterrupt:
        return _failed(path, INTERRUPTED)


def _failed(path: str, error: str) -> SourceTags:
    """Return the entry of an input of which nothing could be read."""
    return SourceTags(path, "image", None, (0, 0), False, 0, 0, 0, error, (), ())


def _write_results(result: TagRun, args: argparse.Namespace) -> None:
    """Write what was asked for; the table goes to stderr where the document goes to stdout."""
    from edge.document import tag_document
    from edge.output.table import print_table

    print_table(result, sys.stderr if args.json == "-" else sys.stdout)
    if args.json:
        write_json(tag_document(result), args.json)
    if args.report:
        from edge.output.report import write_report

        write_report(result, args.report)
    if args.annotate and result.sources[0].resolution_wh != (0, 0):
        from edge.output.annotate import annotate

        annotate(result.sources[0], args.annotate)


def _keep_draft(result: TagRun, args: argparse.Namespace) -> None:
    """Keep what a decision will need; last, because nothing of the results depends on it."""
    if not any(source.tags or source.unmatched for source in result.sources):
        return
    from edge.outbox.drafts import keep

    try:
        note = keep(home_folder(args.home), result, time.time())
    except TagletError as e:
        note = f"these tags cannot be accepted later: {e}"
    if note:
        say(f"edge tag: {note}")


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds >= 0")
    return value


def _milliseconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of milliseconds > 0")
    return value
