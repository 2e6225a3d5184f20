"""Picture sets of quantization: which files of a folder can be used, and that no set knows another.

Pictures are told apart by their pixels, not by their names or bytes: a copy under another name, or saved anew without
loss, is the same picture.

    >>> calibration = read_pictures(Path("calibration"))
    >>> evaluation = read_evaluation(Path("photos"), Path("labels.json"))
    >>> require_disjoint(calibration.files, evaluation.pictures)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.command_line import progress
from edge.errors import InputError, MediaError
from edge.media.sources import PICTURE_SUFFIXES
from export.evaluation.detection import read_coco
from export.evaluation.photos import open_photo
from export.evaluation.queries import read_queries
from export.fingerprint import fingerprint
from export.quantize.job import Evaluation

QUERIES_SUFFIX = ".csv"


@dataclass(frozen=True)
class PictureSet:
    """The pictures of a folder, sorted by path.

    Attributes:
        files: those that can be read, each picture once.
        problems: a sentence for each file that cannot be read.
        copies: how many files were left out because another has the same pixels.
    """

    files: tuple[Path, ...]
    problems: tuple[str, ...] = ()
    copies: int = 0


def read_pictures(folder: Path) -> PictureSet:
    """Read the pictures of a folder and its subfolders; what cannot be decoded is left out and said.

    Raises:
        InputError: the folder is not there, or holds no picture that can be read.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: is not a folder: give a folder of pictures")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file())
    usable = _usable([path for path in found if not _hidden(path.relative_to(folder))], unique=True)
    if not usable.files:
        why = f": {usable.problems[0]}" if usable.problems else ""
        raise InputError(f"{folder}: holds no picture that can be read{why}")
    return usable


def read_evaluation(images: Path, labels: Path | None = None) -> tuple[Evaluation, tuple[str, ...]]:
    """Read what a model is judged by: the pictures that the labels name, or those of a folder where there are none.

    Args:
        images: folder of pictures, where the paths of the labels start from.
        labels: a COCO file, a queries file (`.csv`), or None.

    Returns:
        The evaluation, and a sentence for each picture that cannot be used.

    Raises:
        InputError: folder or labels cannot be read, or no picture can be used.
    """
    if labels is None:
        found = read_pictures(images)
        return Evaluation(found.files, None, images), found.problems
    named, problems = labelled_files(images, labels)
    usable = _usable(named, unique=False)
    if not usable.files:
        why = f": {(*problems, *usable.problems)[0]}" if (*problems, *usable.problems) else ""
        raise InputError(f"{labels}: none of its {len(named)} pictures can be read from {images}{why}")
    return Evaluation(usable.files, labels, images), (*problems, *usable.problems)


def labelled_files(images: Path, labels: Path) -> tuple[list[Path], tuple[str, ...]]:
    """Return the pictures that a COCO or queries file names, in its order, and a sentence for each unusable row."""
    if is_queries(labels):
        file = read_queries(labels)
        return [images / query.path for query in file.queries], file.problems
    return [images / image.path for image in read_coco(labels)], ()


def is_queries(labels: Path) -> bool:
    """Return whether labels are a queries file; everything that is no CSV file is taken for COCO."""
    return labels.suffix.lower() == QUERIES_SUFFIX


def require_disjoint(calibration: Iterable[Path], evaluation: Iterable[Path]) -> None:
    """Refuse a model that is judged by what it was calibrated on.

    Raises:
        InputError: a picture stands in both sets, told by its pixels.
    """
    known = {content_of(path): path for path in calibration}
    if not known:
        return
    shared = [(known[content], path) for path in evaluation if (content := content_of(path)) in known]
    if shared:
        one, other = shared[0]
        raise InputError(
            f"{other}: is the same picture as {one} of the calibration ({len(shared)} are in both sets): a model must "
            "be judged by pictures that its calibration has not seen"
        )


def content_of(path: Path) -> str:
    """Return SHA-256 in hex over size and pixels of a picture as it is shown.

    Raises:
        MediaError: it cannot be read.
    """
    return fingerprint(open_photo(path).image)


def evenly(files: Sequence[Path], most: int) -> tuple[Path, ...]:
    """Return at most so many files, evenly chosen in their order."""
    n = len(files)
    return tuple(files) if n <= most else tuple(files[i * n // most] for i in range(most))


def _usable(files: Sequence[Path], unique: bool) -> PictureSet:
    """Decode every file once: what a header promises is not always there."""
    files = list(dict.fromkeys(files))
    usable: dict[str, Path] = {}
    problems = []
    for path in progress(files, "reading pictures", len(files), "picture"):
        try:
            content = content_of(path)
        except MediaError as e:
            problems.append(str(e))
            continue
        usable.setdefault(content if unique else str(path), path)
    return PictureSet(tuple(usable.values()), tuple(problems), len(files) - len(usable) - len(problems))


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
