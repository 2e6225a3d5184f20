"""The commands of `python -m server`: each parses, calls one function and prints."""
