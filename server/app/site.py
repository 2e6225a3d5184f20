"""The upload page as it lies on the disk: which files there are, of what kind, and which are packed.

>>> site = Site(Path("web_demo/dist"))
>>> site.file("assets/index-D6SsA1Bb.js").media_type
'text/javascript'
"""

from __future__ import annotations

import hashlib
import mimetypes
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

INDEX = "index.html"
PACKED = ".br"
MEDIA_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".onnx": "application/octet-stream",
    ".npy": "application/octet-stream",
}


@dataclass(frozen=True)
class SiteFile:
    """A file of the page.

    Attributes:
        path: where it lies.
        packed: the same in brotli (RFC 7932), or None.
        media_type: of HTTP.
        etag: beginning of its SHA-256.
    """

    path: Path
    packed: Path | None
    media_type: str
    etag: str


@dataclass
class Site:
    """The built page; its folder is read anew when the page has been built anew.

    Attributes:
        folder: where it lies.
    """

    folder: Path
    _state: tuple[int, int] = (0, 0)
    _files: Mapping[str, SiteFile] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_built(self) -> bool:
        """Whether there is a page."""
        return (self.folder / INDEX).is_file()

    def file(self, name: str) -> SiteFile | None:
        """Return the file with exactly this path below the folder, or None."""
        try:
            stat = (self.folder / INDEX).stat()
        except OSError:
            return None
        state = (stat.st_mtime_ns, stat.st_ino)
        with self._lock:
            if state != self._state:
                self._files, self._state = _files_below(self.folder), state
            return self._files.get(name)


def default_folder() -> Path:
    """Return where the page lies: in the package if it was packed so, else where `make web` builds it."""
    package = Path(__file__).resolve().parent.parent
    packaged = package / "page"
    return packaged if (packaged / INDEX).is_file() else package.parent / "web_demo" / "dist"


def _files_below(folder: Path) -> dict[str, SiteFile]:
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {
        name: SiteFile(path, paths.get(name + PACKED), _media_type(path), _etag(path))
        for name, path in paths.items()
        if path.suffix != PACKED and not path.is_symlink()
    }


def _media_type(path: Path) -> str:
    return MEDIA_TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"


def _etag(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]
