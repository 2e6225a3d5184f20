"""Bundles: a folder that binds models, preprocessing, decoding, thresholds and licences.

`bundle.json` names every file with its length and SHA-256; nothing is opened before both agree. The format is
written down in docs/formats/bundle.md.

    >>> bundle = load_bundle(Path("bundle"))
    >>> detector, embedder = bundle.open_detector(), bundle.open_embedder()
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from edge.decoders import FAMILIES, Decoding
from edge.detector import Detector
from edge.embedder import Embedder, Projection
from edge.errors import ArtefactRefused
from edge.files import canonical_json, read_json_object, sha256_of_file
from edge.inference import open_session
from edge.preprocessing import Preprocessing

SCHEMA = 1
DESCRIPTION = "bundle.json"


@dataclass(frozen=True)
class BundleFile:
    """A file of the bundle: its name inside the folder, its SHA-256 in hex, its length in bytes."""

    file: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class DetectorPart:
    """The detector of a bundle: model file, preprocessing, decoding, one label for each class."""

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
    """

    model: BundleFile
    preprocessing: Preprocessing
    output: str
    ndim: int
    projection: BundleFile | None
    crop_margin: float


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
class Bundle:
    """A checked bundle.

    Attributes:
        root: its folder.
        name: its name.
        target: "pi", "phone", "web" or "any".
        space_id: SHA-256 in hex that names the embedding space; a shard must bear the same.
        sha256: SHA-256 in hex over the canonical JSON of bundle.json, which holds the hashes of all files.
        licences: one entry for each model, free form ("name", "source", ...).
    """

    root: Path
    name: str
    target: str
    space_id: str
    sha256: str
    detector: DetectorPart
    embedder: EmbedderPart
    matching: Matching
    licences: tuple[dict[str, Any], ...]

    def open_detector(self, threads: int = 0) -> Detector:
        """Load the detector's model."""
        part = self.detector
        return Detector(open_session(self.root / part.model.file, threads), part.preprocessing, part.decoding)

    def open_embedder(self, threads: int = 0) -> Embedder:
        """Load the embedder's model and its projection."""
        part = self.embedder
        session = open_session(self.root / part.model.file, threads)
        return Embedder(session, part.preprocessing, part.output, part.ndim, self._projection())

    def _projection(self) -> Projection | None:
        if self.embedder.projection is None:
            return None
        path = self.root / self.embedder.projection.file
        try:
            rows = np.load(path, allow_pickle=False)
        except ValueError as e:
            raise ArtefactRefused(f"{path}: not an .npy array ({e})") from e
        if rows.ndim != 2 or rows.dtype != np.float32 or rows.shape[1] != self.embedder.ndim:
            raise ArtefactRefused(f"{path}: expected float32 (raw + 1, {self.embedder.ndim}), found {rows.shape}")
        return Projection(rows[:-1], rows[-1])


def load_bundle(root: Path) -> Bundle:
    """Read and check a bundle.

    Args:
        root: the bundle's folder.

    Raises:
        ArtefactRefused: bundle.json is missing or malformed, its schema is newer, or a file is missing or altered.
    """
    description = root / DESCRIPTION
    value = read_json_object(description, "bundle")
    if value.get("schema") != SCHEMA:
        raise ArtefactRefused(f"{description}: schema {value.get('schema')!r}, this version reads {SCHEMA}")
    where = str(description)
    try:
        bundle = Bundle(
            root=root,
            name=str(value["name"]),
            target=str(value["target"]),
            space_id=str(value["space_id"]),
            sha256=hashlib.sha256(canonical_json(value)).hexdigest(),
            detector=_detector(value["detector"], where),
            embedder=_embedder(value["embedder"], where),
            matching=Matching(**{f.name: float(value["matching"][f.name]) for f in fields(Matching)}),
            licences=tuple(value.get("licences", ())),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        raise ArtefactRefused(f"{description}: incomplete or malformed ({type(e).__name__}: {e})") from e
    for file in (bundle.detector.model, bundle.embedder.model, bundle.embedder.projection):
        if file is not None:
            _check(root, file)
    return bundle


def _detector(value: dict[str, Any], where: str) -> DetectorPart:
    decoding = dict(value["decoding"])
    if decoding.get("family") not in FAMILIES:
        raise ArtefactRefused(f"{where}: unknown detector family {decoding.get('family')!r}; known: {sorted(FAMILIES)}")
    decoding["strides"] = tuple(int(s) for s in decoding.get("strides", ()))
    return DetectorPart(
        BundleFile(**value["model"]),
        Preprocessing.from_json(value["preprocessing"], where),
        Decoding(**decoding),
        tuple(value["labels"]),
    )


def _embedder(value: dict[str, Any], where: str) -> EmbedderPart:
    projection = value.get("projection")
    return EmbedderPart(
        BundleFile(**value["model"]),
        Preprocessing.from_json(value["preprocessing"], where),
        str(value["output"]),
        int(value["ndim"]),
        BundleFile(**projection) if projection else None,
        float(value["crop_margin"]),
    )


def _check(root: Path, file: BundleFile) -> None:
    path = root / file.file
    if Path(file.file).name != file.file:
        raise ArtefactRefused(f"{root / DESCRIPTION}: file name {file.file!r} leaves the bundle's folder")
    if not path.is_file():
        raise ArtefactRefused(f"{path}: missing from the bundle: fetch or build the bundle again")
    if path.stat().st_size != file.bytes or sha256_of_file(path) != file.sha256:
        raise ArtefactRefused(f"{path}: altered since the bundle was made: fetch or build the bundle again")
