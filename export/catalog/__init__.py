"""Catalogue images in, a shard out."""
