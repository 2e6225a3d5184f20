"""Catalogue shards: canonical columns, checked whole, memory-mapped on the device.

The format is written down in docs/formats/shard.md.

    >>> shard = open_shard(Path("shard"))
    >>> shard.record(0).title
    'Oat drink 1 l'
"""

from __future__ import annotations

from edge.shard.opened import Shard, open_shard
from edge.shard.record import ProductRecord
from edge.shard.writer import write_shard

__all__ = ["ProductRecord", "Shard", "open_shard", "write_shard"]
