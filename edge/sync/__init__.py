"""Bringing catalogues up to date over a bad line: what is signed, what is cheapest, what is installed."""
