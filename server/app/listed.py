"""Whether a product is in the newest version of its catalogue, and its title, as far as the repository knows."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from edge.errors import TagletError
from edge.shard import Shard
from server.announcing import catalogs, published_index, store_of
from server.metadata import METADATA, read_served
from server.repository import Repository

_log = logging.getLogger(__name__)


@dataclass
class ListedProducts:
    """Looks products up in the newest shards, which are opened anew after a publication.

    Attributes:
        repository: where they are.
    """

    repository: Repository
    _state: tuple[int, int] = (0, 0)
    _shards: Mapping[str, tuple[Shard, ...]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def knows(self, catalog: str, *product_ids: str) -> bool | None:
        """Return whether a catalogue has all of these products in some embedding space; None: nobody can say."""
        try:
            shards = self._newest().get(catalog, ())
        except (TagletError, OSError) as e:
            _log.warning("catalogue not readable", extra={"fields": {"reason": str(e)[:200]}})
            return None
        if not shards:
            return None
        return all(any(shard.find(name) is not None for shard in shards) for name in product_ids)

    def title(self, catalog: str, product_id: str) -> str | None:
        """Return a product's title; None: the newest catalogue does not have it, or cannot be read."""
        try:
            shards = self._newest().get(catalog, ())
        except (TagletError, OSError) as e:
            _log.warning("catalogue not readable", extra={"fields": {"reason": str(e)[:200]}})
            return None
        found = ((shard, shard.find(product_id)) for shard in shards)
        return next((shard.record(row).title for shard, row in found if row is not None), None)

    def _newest(self) -> Mapping[str, tuple[Shard, ...]]:
        stat = (self.repository.public / METADATA / "timestamp.json").stat()
        state = (stat.st_mtime_ns, stat.st_ino)
        with self._lock:
            if state != self._state:
                self._shards, self._state = newest_shards(self.repository), state
            return self._shards


def newest_shards(repository: Repository) -> dict[str, tuple[Shard, ...]]:
    """Return the newest shard of every embedding space, by catalogue; one that is not kept is left out.

    Raises:
        ArtefactRefused: what is published is missing or altered.
    """
    served = read_served(repository.public)
    found = {}
    for catalog in catalogs(served):
        store = store_of(repository, catalog)
        generations = published_index(repository, served, catalog).generations
        shards = [store.get(generation.newest.sha256) for generation in generations]
        found[catalog] = tuple(shard for shard in shards if shard is not None)
    return found
