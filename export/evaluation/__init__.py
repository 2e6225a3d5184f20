"""Measures of the kit: detection (average precision, recall) and retrieval."""
