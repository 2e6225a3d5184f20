"""Bundles: a folder that binds models, preprocessing, decoding, thresholds and licences.

`bundle.json` names every file with its length and SHA-256; nothing is opened before both agree. The format is
written down in docs/formats/bundle.md.

    >>> bundle = load_bundle(Path("bundle"))
    >>> detector, embedder = bundle.open_detector(), bundle.open_embedder()
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from edge.bundle_description import (
    DESCRIPTION,
    SCHEMA,
    BundleFile,
    Description,
    DetectorPart,
    EmbedderPart,
    Matching,
    from_json,
)
from edge.detector import Detector
from edge.embedder import Embedder, Projection
from edge.errors import ArtefactRefused, ModelError
from edge.files import read_json_object, sha256_of_file
from edge.inference import Session, open_session
from edge.inference.hardware import Hardware
from edge.preprocessing import Preprocessing

__all__ = [
    "DESCRIPTION",
    "SCHEMA",
    "Bundle",
    "BundleFile",
    "Description",
    "DetectorPart",
    "EmbedderPart",
    "Matching",
    "load_bundle",
]


@dataclass(frozen=True, kw_only=True)
class Bundle(Description):
    """A checked bundle: its description, its folder, and what its models need to be opened.

    Attributes:
        root: its folder.
        sha256: SHA-256 in hex over the bytes of bundle.json, which holds the hashes of all files.
    """

    root: Path
    sha256: str

    def open_detector(self, hardware: Hardware | None = None) -> Detector:
        """Load the detector's model.

        Raises:
            ArtefactRefused: the model cannot be loaded, or is not what the description says of it.
        """
        part = self.detector
        session = self._open(part.model, part.preprocessing, part.decoding.outputs.values(), hardware)
        return Detector(session, part.preprocessing, part.decoding)

    def open_embedder(self, hardware: Hardware | None = None) -> Embedder:
        """Load the embedder's model and its projection.

        Raises:
            ArtefactRefused: the model or the projection cannot be loaded, or is not what the description says of it.
        """
        part = self.embedder
        session = self._open(part.model, part.preprocessing, (part.output,), hardware)
        return Embedder(session, part.preprocessing, part.output, part.ndim, self._projection(), part.pooling)

    def _open(
        self, file: BundleFile, rule: Preprocessing, outputs: Iterable[str], hardware: Hardware | None
    ) -> Session:
        path = self.root / file.file
        try:
            session = open_session(path, hardware)
            require_picture_input(session, rule, path)
        except ModelError as e:
            raise ArtefactRefused(str(e)) from e
        if missing := set(outputs) - {spec.name for spec in session.outputs}:
            names = [spec.name for spec in session.outputs]
            raise ArtefactRefused(f"{path}: the bundle reads the outputs {sorted(missing)}, the model has {names}")
        return session

    def _projection(self) -> Projection | None:
        if self.embedder.projection is None:
            return None
        path = self.root / self.embedder.projection.file
        try:
            rows = np.load(path, allow_pickle=False)
        except (ValueError, EOFError, OSError) as e:
            raise ArtefactRefused(f"{path}: not an .npy array ({e})") from e
        shape: tuple[int, ...] = getattr(rows, "shape", ())
        if len(shape) != 2 or rows.dtype != np.float32 or shape[0] < 2 or shape[1] != self.embedder.ndim:
            raise ArtefactRefused(f"{path}: expected float32 (raw + 1, {self.embedder.ndim}), found {shape}")
        return Projection(rows[:-1], rows[-1])


def load_bundle(root: Path) -> Bundle:
    """Read and check a bundle.

    Args:
        root: the bundle's folder.

    Raises:
        ArtefactRefused: bundle.json is missing or malformed, its schema is newer, or a file is missing or altered.
    """
    path = root / DESCRIPTION
    value = read_json_object(path, "bundle")
    description = from_json(value, str(path))
    for file in (description.detector.model, description.embedder.model, description.embedder.projection):
        if file is not None:
            _check(root, file)
    known = {f.name: getattr(description, f.name) for f in fields(Description)}
    return Bundle(root=root, sha256=sha256_of_file(path), **known)


def require_picture_input(session: Session, rule: Preprocessing, path: Path) -> None:
    """Check that a model takes one picture as its preprocessing makes it.

    Raises:
        ModelError: it has other inputs, or the shape is another; the sentence says what was found.
    """
    found = ", ".join(f"{spec.name} {spec.dtype}{[side or '?' for side in spec.shape]}" for spec in session.inputs)
    found = found.replace("'", "")
    if len(session.inputs) != 1:
        raise ModelError(f"{path}: a model must have one input, a picture; this one has {len(session.inputs)}: {found}")
    width, height = rule.size_wh
    wanted = (1, 3, height, width) if rule.layout == "NCHW" else (1, height, width, 3)
    shape = session.inputs[0].shape
    if len(shape) != 4 or any(have not in (None, want) for have, want in zip(shape, wanted, strict=True)):
        raise ModelError(
            f"{path}: the input is {found}, its preprocessing makes {list(wanted)} ({rule.layout}){_advice(shape)}"
        )


def _advice(shape: tuple[int | None, ...]) -> str:
    batched = len(shape) == 4 and shape[0] not in (None, 1)
    return ": export the model with a batch of 1, or with an open one" if batched else ""


def _check(root: Path, file: BundleFile) -> None:
    path = root / file.file
    if not path.is_file():
        raise ArtefactRefused(f"{path}: missing from the bundle: fetch or build the bundle again")
    try:
        whole = path.stat().st_size == file.bytes and sha256_of_file(path) == file.sha256
    except OSError as e:
        raise ArtefactRefused(f"{path}: cannot be read ({e.strerror or e})") from e
    if not whole:
        raise ArtefactRefused(f"{path}: altered since the bundle was made: fetch or build the bundle again")
