"""Smaller models that still work."""
