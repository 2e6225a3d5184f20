"""The cells of ITEMS.csv: which columns there are, and what a cell may say."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

REQUIRED = ("product_id", "title", "image")
OPTIONAL = ("price", "currency", "url", "image_url", "brand", "category", "region", "in_stock")
COLUMNS = REQUIRED + OPTIONAL
_STOCK = {
    **dict.fromkeys(("yes", "y", "true", "1", "in stock", "in_stock", "instock"), True),
    **dict.fromkeys(("no", "n", "false", "0", "out of stock", "out_of_stock", "outofstock"), False),
    **dict.fromkeys(("", "unknown"), None),
}
_PRICE = re.compile(r"(\d{1,12})(?:[.,](\d{1,4}))?")
_THOUSANDS = re.compile(r"\d+,\d{3}")
_MAX_BYTES = 4000


class BadCell(ValueError):
    """A cell that cannot be used; the message says why, without the line."""


def read_fields(cells: Mapping[str, str]) -> dict[str, Any]:
    """Turn one row's cells into the values of a record, and its `image`.

    Args:
        cells: text by column; a column that is absent counts as empty.

    Returns:
        Every column of `COLUMNS`; `in_stock` is True, False or None, the others are text.

    Raises:
        BadCell: a cell is malformed.
    """
    values: dict[str, Any] = {name: _clean(name, cells.get(name) or "") for name in COLUMNS}
    if not values["product_id"]:
        raise BadCell("product_id is empty")
    if not values["image"]:
        raise BadCell("image is empty")
    values["image"] = _inside(values["image"])
    values["price"] = _price(values["price"])
    values["currency"] = _currency(values["currency"])
    values["in_stock"] = _in_stock(values["in_stock"])
    return values


def _clean(name: str, text: str) -> str:
    """Make one line of a cell; invisible control characters would reach terminals and pages, so they are refused."""
    text = " ".join(text.split()) if name != "image" else text.strip()
    if any(unicodedata.category(c) == "Cc" for c in text):
        raise BadCell(f"{name} {text[:40]!r} holds a control character")
    if len(text.encode()) > _MAX_BYTES:
        raise BadCell(f"{name} is {len(text.encode())} bytes long, at most {_MAX_BYTES} can be used")
    return text


def _inside(image: str) -> str:
    path = PurePosixPath(image.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or PureWindowsPath(image).drive:
        raise BadCell(f"image {image!r} must be a path inside the folder of images")
    return str(path)


def _price(text: str) -> str:
    if not text:
        return ""
    found = _PRICE.fullmatch(text)
    if not found or _THOUSANDS.fullmatch(text):
        raise BadCell(f"price {text!r} is not a decimal number such as 12.90")
    return found[1] if found[2] is None else f"{found[1]}.{found[2]}"


def _currency(text: str) -> str:
    if text and not re.fullmatch(r"[A-Za-z]{3}", text):
        raise BadCell(f"currency {text!r} is not a three-letter code such as EUR")
    return text.upper()


def _in_stock(text: str) -> bool | None:
    if text.lower() not in _STOCK:
        raise BadCell(f"in_stock {text!r} is neither yes nor no")
    return _STOCK[text.lower()]
