"""One module for each `python -m export` command."""
