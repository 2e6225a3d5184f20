"""A server at the level of bytes, without sockets: real signatures, real files, and a line that can be made bad."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, Root, Snapshot, TargetFile, Targets, Timestamp

from edge.errors import NetworkError
from edge.shard import Shard
from edge.shard.delta import difference, part_of
from edge.shard.travel import Packed, packed
from edge.sync.download import remote_path
from edge.sync.index import DeltaFile, Generation, Index, Part, PublishedFile, Release, index_bytes
from edge.sync.transport import Answer

NOW_S = 1_800_000_000.0
DAY_S = 86_400.0
ROLES = ("root", "timestamp", "snapshot", "targets")


class Publisher:
    """Keys, metadata and files of one server, as `files` by path."""

    def __init__(self, life_s: float = 7 * DAY_S) -> None:
        self.files: dict[str, bytes] = {}
        self.signers = {role: CryptoSigner.generate_ed25519() for role in ROLES}
        self.life_s = life_s
        self.now_s = NOW_S
        self.index = Index("shop", ())
        self.root = Root(consistent_snapshot=True)
        for role, signer in self.signers.items():
            self.root.add_key(signer.public_key, role)
        self.snapshot, self.timestamp, self.targets = Snapshot(), Timestamp(), Targets()
        self.root.version = 0
        self.sign_root()

    def sign_root(self, *more: CryptoSigner) -> None:
        self.root.version += 1
        self.root.expires = self._expires(400 * DAY_S)
        metadata = Metadata(self.root)
        for signer in (self.signers["root"], *more):
            metadata.sign(signer, append=True)
        self.files[f"metadata/{self.root.version}.root.json"] = metadata.to_bytes()

    def publish(self, *shards: Shard, part_products: int = 3, share: float = 1.0) -> None:
        """Publish states of one catalogue, oldest first, with every delta between them."""
        releases = [Release(s.version, s.sha256, s.products, s.views) for s in reversed(shards)]
        parts = tuple(self._parts(shards[-1], part_products))
        releases[0] = replace(releases[0], parts=parts, share=share)
        if share < 1 and len(shards) > 1:
            releases[1] = replace(releases[1], parts=tuple(self._parts(shards[-2], part_products)))
        deltas = tuple(
            DeltaFile(a.sha256, b.sha256, self.store(packed(difference(a, b), 3)))
            for number, a in enumerate(shards)
            for b in shards[number + 1 :]
            if a.sha256 != b.sha256
        )
        newest = shards[-1]
        self.index = Index("shop", (Generation(newest.space_id, newest.ndim, tuple(releases), deltas),))
        self.sign()

    def sign(self) -> None:
        """Sign the index as it stands now."""
        data = index_bytes(self.index)
        name = f"{self.index.catalog}.json"
        self.targets.targets = {name: TargetFile.from_data(name, data)}
        self.files[f"targets/{hashlib.sha256(data).hexdigest()}.{name}"] = data
        self.targets.version += name in self.files
        self.files[name] = b""
        self._write(self.targets, "targets", f"metadata/{self.targets.version}.targets.json")
        self.snapshot.meta["targets.json"].version = self.targets.version
        self.sign_online()

    def sign_online(self) -> None:
        self.snapshot.version += 1
        self._write(self.snapshot, "snapshot", f"metadata/{self.snapshot.version}.snapshot.json")
        self.timestamp.snapshot_meta.version = self.snapshot.version
        self.timestamp.version += 1
        self._write(self.timestamp, "timestamp", "metadata/timestamp.json")

    def store(self, file: Packed) -> PublishedFile:
        sha256 = hashlib.sha256(file.data).hexdigest()
        self.files[remote_path(sha256)] = file.data
        return PublishedFile(sha256, len(file.data), file.unpacked_bytes)

    def _parts(self, shard: Shard, products: int) -> Iterator[Part]:
        categories = list(shard.texts("category"))
        for category in sorted(set(categories)):
            rows = [row for row, name in enumerate(categories) if name == category]
            for start in range(0, len(rows), products):
                some = np.array(rows[start : start + products], np.int64)
                views = int((shard.view_offsets[some + 1] - shard.view_offsets[some]).sum())
                yield Part(self.store(packed(part_of(shard, some), 3)), len(some), views, category)

    def _write(self, signed: Snapshot | Timestamp | Targets, role: str, path: str) -> None:
        life_s = self.life_s if role in ("snapshot", "timestamp") else 400 * DAY_S
        signed.expires = self._expires(life_s)
        metadata = Metadata(signed)
        metadata.sign(self.signers[role])
        self.files[path] = metadata.to_bytes()

    def _expires(self, life_s: float) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self.now_s + life_s, datetime.UTC).replace(microsecond=0)


@dataclass
class Line:
    """A transport over the files of a publisher.

    Attributes:
        files: by path.
        ranges: whether the server knows them.
        cut_after: body bytes after which the line breaks, once; None: never.
        altered: changes a body before it is sent.
        page: answer everything with a web page, as a captive portal does.
        down: answer nothing.
        asked: the requests so far: (path, first byte).
    """

    files: dict[str, bytes]
    ranges: bool = True
    cut_after: int | None = None
    altered: Callable[[str, bytes], bytes] = field(default=lambda path, body: body)
    page: bool = False
    down: bool = False
    asked: list[tuple[str, int]] = field(default_factory=list)
    address: str = "https://shop.example"

    @contextmanager
    def get(self, path: str, start: int = 0, end: int | None = None, etag: str = "") -> Iterator[Answer]:
        self.asked.append((path, start))
        if self.down:
            raise NetworkError(f"{self.address}: no connection")
        if self.page:
            yield Answer(200, {"content-type": "text/html; charset=utf-8"}, iter([b"<html>sign in</html>"]))
            return
        if path not in self.files:
            yield Answer(404, {}, iter(()))
            return
        body = self.files[path]
        tag = hashlib.sha256(body).hexdigest()[:16]
        if etag == tag:
            yield Answer(304, {"etag": tag}, iter(()))
            return
        whole, body = len(body), self.altered(path, body)
        headers, status = {"etag": tag}, 200
        if self.ranges and (start or end is not None):
            body, status = body[start:end], 206
            headers["content-range"] = f"bytes {start}-{start + len(body) - 1}/{whole}"
        yield Answer(status, headers, self._blocks(body))

    def _blocks(self, body: bytes, size: int = 64) -> Iterator[bytes]:
        for start in range(0, len(body), size):
            block = body[start : start + size]
            if self.cut_after is not None:
                block = block[: self.cut_after]
                self.cut_after -= len(block)
                yield block
                if not self.cut_after:
                    self.cut_after = None
                    raise NetworkError(f"{self.address}: the connection broke off")
                continue
            yield block
