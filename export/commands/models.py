"""`export models`: list public models, and fetch them checked."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from edge.command_line import write_json
from edge.errors import UsageError
from export.zoo.download import download
from export.zoo.models import BASE_URL, ZooModel, find_model, zoo

EXAMPLE = """  python -m export models list
  python -m export models fetch yolox-nano mobilenet-v1-100-embedder-int8-tflite --out models"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `export models`."""
    parser.add_argument("action", choices=("list", "fetch"), help="list what is known, or fetch models by name")
    parser.add_argument("names", nargs="*", metavar="NAME", help="models to fetch")
    parser.add_argument("--out", type=Path, metavar="DIR", default=Path("models"), help="folder (default: %(default)s)")
    parser.add_argument("--base-url", metavar="URL", default=BASE_URL, help="a mirror (default: %(default)s)")
    parser.add_argument("--json", metavar="FILE|-", help="write the result as JSON")


def run(args: argparse.Namespace) -> int:
    """List or fetch models and return the exit code."""
    if (args.action == "fetch") != bool(args.names):
        raise UsageError(
            "`models fetch` needs the name of a model" if not args.names else "`models list` takes no name"
        )
    models = [find_model(name) for name in dict.fromkeys(args.names)] or list(zoo())
    values = [asdict(model) | {"url": model.url(args.base_url)} for model in models]
    if args.action == "fetch":
        values = [value | _fetch(model, args) for value, model in zip(values, models, strict=True)]
    if args.json:
        write_json({"models": values}, args.json)
    if args.json != "-":
        print("\n".join(_line(value) for value in values))
    return 0


def _fetch(model: ZooModel, args: argparse.Namespace) -> dict[str, Any]:
    target = args.out / model.file_name
    url = model.url(args.base_url)
    with tqdm(total=model.bytes, desc=model.name, unit="B", unit_scale=True, delay=2, disable=None, leave=False) as bar:
        fetched = download(url, target, model.bytes, model.sha256, lambda n: _show(bar, n))
    return {"file": str(target), "fetched": fetched}


def _show(bar: Any, bytes_here: int) -> None:
    bar.update(bytes_here - bar.n)


def _line(value: dict[str, Any]) -> str:
    if "file" in value:
        return f"{value['file']}: {'fetched' if value['fetched'] else 'was there'}, {value['bytes']:,} bytes, checked"
    what = f"{value['kind']}{' ' + value['family'] if value['family'] else ''}"
    note = f"  ({value['note']})" if value["note"] else ""
    return f"{value['name']:<40} {what:<28} {value['bytes'] / 1e6:5.1f} MB  {value['licence']}{note}"
