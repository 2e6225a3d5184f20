"""What `bundle.json` says, as values: read strictly, written canonically.

Every key is known, every number is finite and in its range, every file name stays inside the folder; whatever is not
so is refused with one sentence that names the key. `docs/formats/bundle.md` writes the same down for other languages.

    >>> description = from_json(json.loads(text), where="bundle/bundle.json")
    >>> to_json(description) == json.loads(text)
    True
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import PurePosixPath
from typing import Any, Literal, NoReturn

from edge.decoders import FAMILIES, Decoding
from edge.errors import ArtefactRefused
from edge.preprocessing import Preprocessing

SCHEMA = 1
DESCRIPTION = "bundle.json"
TARGETS = ("pi", "phone", "web", "any")
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class BundleFile:
    """A file of the bundle: its name inside the folder, its SHA-256 in hex, its length in bytes."""

    file: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class DetectorPart:
    """The detector of a bundle: model file, preprocessing, decoding, one label for each class (none: no names)."""

    model: BundleFile
    preprocessing: Preprocessing
    decoding: Decoding
    labels: tuple[str, ...]


@dataclass(frozen=True)
class EmbedderPart:
    """The embedder of a bundle.

    Attributes:
        model: the model file.
        preprocessing: how a crop becomes its input.
        output: name of the output that holds the vector.
        ndim: length of the embedding.
        projection: an .npy file, float32 (raw + 1, ndim), the last row being the bias, or None.
        crop_margin: a detected box is widened by this share of its sides before it is cut, 0..1.
        pooling: "mean" averages a feature map over its rows and columns, "none" takes the output as it is.
    """

    model: BundleFile
    preprocessing: Preprocessing
    output: str
    ndim: int
    projection: BundleFile | None
    crop_margin: float
    pooling: Literal["none", "mean"] = "none"


@dataclass(frozen=True)
class Matching:
    """When a product is suggested.

    Attributes:
        similarity_threshold: below this similarity the answer is "no match", -1..1.
        margin_threshold: a match whose lead over the next product is smaller is "ambiguous", 0..2.
    """

    similarity_threshold: float
    margin_threshold: float


@dataclass(frozen=True)
class SecondLookPart:
    """When the first products of a search are looked at again, and what that weighs; see `edge.second_look`.

    Attributes:
        weight: of the evidence, 0..10.
        margin_threshold: it looks where the lead over the next product is smaller, 0..2.
        products: how many of the first products are looked at, 2..20.
    """

    weight: float = 0.5
    margin_threshold: float = 0.15
    products: int = 8


@dataclass(frozen=True)
class Description:
    """The content of `bundle.json`.

    Attributes:
        name: its name.
        target: "pi", "phone", "web" or "any".
        space_id: SHA-256 in hex that names the embedding space; a shard must bear the same.
        detector: the detector's part.
        embedder: the embedder's part.
        matching: when a product is suggested.
        licences: one entry for each model, free form ("name", "source", ...).
        agreement: measured agreement with the float models, free form; empty where nothing was measured.
        second_look: when products are looked at again; None: never.
    """

    name: str
    target: str
    space_id: str
    detector: DetectorPart
    embedder: EmbedderPart
    matching: Matching
    licences: tuple[dict[str, Any], ...] = ()
    agreement: dict[str, Any] = field(default_factory=dict)
    second_look: SecondLookPart | None = None


def to_json(description: Description) -> dict[str, Any]:
    """Return the description as plain JSON values, `schema` included."""
    value = {"schema": SCHEMA, **asdict(description)}
    for part, rule in (("detector", description.detector), ("embedder", description.embedder)):
        value[part]["preprocessing"] = rule.preprocessing.to_json()
    value["detector"]["decoding"]["strides"] = list(description.detector.decoding.strides)
    value["detector"]["labels"] = list(description.detector.labels)
    value["licences"] = list(description.licences)
    if description.second_look is None:
        del value["second_look"]
    return value


def from_json(value: dict[str, Any], where: str) -> Description:
    """Read a description.

    Args:
        value: the JSON object.
        where: names the file in error messages.

    Raises:
        ArtefactRefused: a key is unknown or missing, a value is out of range, or the schema is another.
    """
    schema = value.get("schema")
    if type(schema) is int and schema > SCHEMA:
        raise ArtefactRefused(f"{where}: schema {schema} is newer than this version reads ({SCHEMA}): update the kit")
    if type(schema) is not int or schema != SCHEMA:
        raise ArtefactRefused(f"{where}: schema is {schema!r}, expected {SCHEMA}")
    with _refusing(where):
        return _Reader(where).description(value)


def decoding_from_json(value: dict[str, Any], where: str) -> Decoding:
    """Read how a detector is decoded; see `from_json`."""
    with _refusing(where):
        return _Reader(where).decoding(value)


@contextmanager
def _refusing(where: str) -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as e:
        raise ArtefactRefused(f"{where}: incomplete or malformed ({type(e).__name__}: {e})") from e


@dataclass(frozen=True)
class _Reader:
    where: str

    def description(self, value: dict[str, Any]) -> Description:
        self.keys(value, "bundle", _names(Description), ("schema",), ("licences", "agreement", "second_look"))
        if value["target"] not in TARGETS:
            self.refuse(f"target is {value['target']!r}, expected one of {TARGETS}")
        if not SHA256.fullmatch(self.text(value["space_id"], "space_id")):
            self.refuse(f"space_id is {value['space_id']!r}, expected 64 hexadecimal digits")
        return Description(
            name=self.text(value["name"], "name"),
            target=value["target"],
            space_id=value["space_id"],
            detector=self.detector(value["detector"]),
            embedder=self.embedder(value["embedder"]),
            matching=self.matching(value["matching"]),
            licences=tuple(self.mapping(entry, "licences") for entry in value.get("licences", ())),
            agreement=self.mapping(value.get("agreement", {}), "agreement"),
            second_look=self.second_look(value["second_look"]) if "second_look" in value else None,
        )

    def detector(self, value: dict[str, Any]) -> DetectorPart:
        self.keys(value, "detector", _names(DetectorPart))
        return DetectorPart(
            self.file(value["model"], "detector model"),
            Preprocessing.from_json(value["preprocessing"], f"{self.where}: detector"),
            self.decoding(value["decoding"]),
            tuple(self.text(label, "detector labels") for label in value["labels"]),
        )

    def decoding(self, value: dict[str, Any]) -> Decoding:
        self.keys(value, "decoding", _names(Decoding), optional=_names(Decoding)[2:])
        family = FAMILIES.get(value["family"])
        if family is None:
            self.refuse(f"unknown detector family {value['family']!r}, known are {', '.join(sorted(FAMILIES))}")
        options = self.mapping(value.get("options", {}), "decoding options")
        self.keys(options, f"options of the family {family.name}", family.options, optional=family.options)
        strides = tuple(self.whole(s, "decoding strides", 1, 1024) for s in value.get("strides", ()))
        if family.per_level and not strides:
            self.refuse(f"the family {family.name} needs strides, one for each level, such as [8, 16, 32]")
        roles = family.output_roles(strides)
        self.keys(
            self.mapping(value["outputs"], "decoding outputs"), "decoding outputs", roles, (), family.optional_roles
        )
        read = Decoding(family.name, dict(value["outputs"]), strides, dict(options))
        return Decoding(
            *(read.family, read.outputs, read.strides, read.options),
            self.number(value.get("score_threshold", read.score_threshold), "score_threshold", 0, 1),
            self.number(value.get("iou_threshold", read.iou_threshold), "iou_threshold", 0, 1),
            self.whole(value.get("max_detections", read.max_detections), "max_detections", 1, 100_000),
        )

    def embedder(self, value: dict[str, Any]) -> EmbedderPart:
        self.keys(value, "embedder", _names(EmbedderPart), optional=("projection", "pooling"))
        projection, pooling = value.get("projection"), value.get("pooling", "none")
        if pooling not in ("none", "mean"):
            self.refuse(f"embedder pooling is {pooling!r}, expected 'none' or 'mean'")
        return EmbedderPart(
            self.file(value["model"], "embedder model"),
            Preprocessing.from_json(value["preprocessing"], f"{self.where}: embedder"),
            self.text(value["output"], "embedder output"),
            self.whole(value["ndim"], "embedder ndim", 1, 65536),
            self.file(projection, "embedder projection") if projection is not None else None,
            self.number(value["crop_margin"], "crop_margin", 0, 1),
            pooling,
        )

    def matching(self, value: dict[str, Any]) -> Matching:
        self.keys(value, "matching", _names(Matching))
        return Matching(
            self.number(value["similarity_threshold"], "similarity_threshold", -1, 1),
            self.number(value["margin_threshold"], "margin_threshold", 0, 2),
        )

    def second_look(self, value: dict[str, Any]) -> SecondLookPart:
        self.keys(value, "second_look", _names(SecondLookPart))
        return SecondLookPart(
            self.number(value["weight"], "second_look weight", 0, 10),
            self.number(value["margin_threshold"], "second_look margin_threshold", 0, 2),
            self.whole(value["products"], "second_look products", 2, 20),
        )

    def file(self, value: dict[str, Any], what: str) -> BundleFile:
        self.keys(value, what, _names(BundleFile))
        name, digest = self.text(value["file"], what), self.text(value["sha256"], what)
        if PurePosixPath(name).name != name or name in (".", "..", DESCRIPTION) or "\\" in name or "\0" in name:
            self.refuse(f"{what} file name {name!r} is not a plain name inside the bundle's folder")
        if not SHA256.fullmatch(digest):
            self.refuse(f"{what} sha256 is {digest!r}, expected 64 hexadecimal digits")
        return BundleFile(name, digest, self.whole(value["bytes"], f"{what} bytes", 0, 1 << 40))

    def keys(
        self,
        value: dict[str, Any],
        what: str,
        known: Iterable[str],
        extra: Iterable[str] = (),
        optional: Iterable[str] = (),
    ) -> None:
        have, allowed = set(self.mapping(value, what)), {*known, *extra}
        if unknown := have - allowed:
            self.refuse(f"{what} has unknown keys {sorted(unknown)}, known are {sorted(allowed)}")
        if missing := allowed - have - set(optional):
            self.refuse(f"{what} lacks the keys {sorted(missing)}")

    def mapping(self, value: Any, what: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.refuse(f"{what} must be an object, found {type(value).__name__}")
        return dict(value)

    def text(self, value: Any, what: str) -> str:
        if not isinstance(value, str) or not value:
            self.refuse(f"{what} must be text, found {value!r}")
        return str(value)

    def number(self, value: Any, what: str, low: float, high: float) -> float:
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
            self.refuse(f"{what} is {value!r}, expected a finite number")
        if not low <= value <= high:
            self.refuse(f"{what} is {value!r}, expected {low} to {high}")
        return float(value)

    def whole(self, value: Any, what: str, low: int, high: int) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            self.refuse(f"{what} is {value!r}, expected a whole number from {low} to {high}")
        return int(value)

    def refuse(self, why: str) -> NoReturn:
        raise ArtefactRefused(f"{self.where}: {why}")


def _names(part: type) -> tuple[str, ...]:
    return tuple(f.name for f in fields(part))
