"""Catalogue shards: canonical columns, memory-mapped on the device."""
