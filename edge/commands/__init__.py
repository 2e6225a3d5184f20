"""One module for each `python -m edge` command."""
