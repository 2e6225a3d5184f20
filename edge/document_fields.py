"""Fields of a JSON object, each read with its type and range, and each refusal naming the field.

A document of a later version may hold more: unknown fields are left alone.

    >>> Fields({"tags": [{"margin": "x"}]}, "tags.json").parts("tags")[0].number("margin")
    InputError: tags.json: tags[0].margin: expected a number, found 'x'
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from edge.errors import InputError

_HUGE = 1e300


class Fields:
    """One JSON object and its place in the file."""

    def __init__(self, value: object, file: str, place: str = "") -> None:
        """Take an object.

        Args:
            value: as `json.loads` gave it.
            file: the file, for the sentence.
            place: where in the file, such as "sources[0]"; empty at the top.

        Raises:
            InputError: it is not an object.
        """
        self._file, self._place = file, place
        if not isinstance(value, dict):
            raise self._refusal(place or "the document", "an object", value)
        self._value = value

    def get(self, key: str) -> object:
        """Return a field as it is; None where it is missing."""
        return self._value.get(key)

    def text(self, key: str) -> str:
        """Return a text."""
        value = self._required(key, "a text")
        if not isinstance(value, str):
            raise self._refusal(self._path(key), "a text", value)
        return value

    def optional_text(self, key: str) -> str | None:
        """Return a text, or None where it is missing or null."""
        return None if self.get(key) is None else self.text(key)

    def optional_truth(self, key: str) -> bool | None:
        """Return true or false, or None where it is missing or null."""
        return None if self.get(key) is None else self.truth(key)

    def optional_texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, none where it is missing or null."""
        value = self.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            raise self._refusal(self._path(key), "a list of texts", value)
        return tuple(value)

    def one_of(self, key: str, choices: Sequence[str]) -> str:
        """Return a text that must be one of the choices."""
        value = self.text(key)
        if value not in choices:
            raise self._refusal(self._path(key), " or ".join(choices), value)
        return value

    def truth(self, key: str) -> bool:
        """Return true or false."""
        value = self._required(key, "true or false")
        if not isinstance(value, bool):
            raise self._refusal(self._path(key), "true or false", value)
        return value

    def number(self, key: str, least: float = -math.inf, most: float = math.inf) -> float:
        """Return a finite number between `least` and `most`."""
        return self._checked_number(self._required(key, "a number"), self._path(key), least, most)

    def whole(self, key: str, most: float = math.inf) -> int:
        """Return a whole number from 0 to `most`."""
        value = self.number(key, 0, most)
        if value != int(value):
            raise self._refusal(self._path(key), "a whole number", value)
        return int(value)

    def numbers(self, key: str, n: int) -> list[float]:
        """Return a list of n finite numbers."""
        values = self._required(key, f"{n} numbers")
        if not isinstance(values, list) or len(values) != n:
            raise self._refusal(self._path(key), f"{n} numbers", values)
        return [self._checked_number(v, f"{self._path(key)}[{i}]") for i, v in enumerate(values)]

    def xyxy(self, key: str) -> tuple[float, float, float, float]:
        """Return a box whose corners are in order."""
        x0, y0, x1, y1 = values = self.numbers(key, 4)
        if x1 < x0 or y1 < y0:
            raise self._refusal(self._path(key), "a box [x0, y0, x1, y1] with x0 <= x1 and y0 <= y1", values)
        return x0, y0, x1, y1

    def part(self, key: str) -> Fields:
        """Return the fields of an object inside."""
        return Fields(self._required(key, "an object"), self._file, self._path(key))

    def parts(self, key: str) -> list[Fields]:
        """Return the fields of each object of a list."""
        values = self._required(key, "a list")
        if not isinstance(values, list):
            raise self._refusal(self._path(key), "a list", values)
        return [Fields(value, self._file, f"{self._path(key)}[{i}]") for i, value in enumerate(values)]

    def _required(self, key: str, expected: str) -> object:
        if key not in self._value:
            raise InputError(f"{self._file}: {self._path(key)}: expected {expected}, found nothing")
        return self._value[key]

    def _checked_number(self, value: object, path: str, least: float = -math.inf, most: float = math.inf) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not -_HUGE < value < _HUGE:
            raise self._refusal(path, "a number", value)
        if not least <= value <= most:
            raise self._refusal(path, f"a number from {least:g} to {most:g}", value)
        return float(value)

    def _path(self, key: str) -> str:
        return f"{self._place}.{key}" if self._place else key

    def _refusal(self, path: str, expected: str, found: object) -> InputError:
        shown = repr(found)
        return InputError(f"{self._file}: {path}: expected {expected}, found {shown[:60]}{'…' * (len(shown) > 60)}")
