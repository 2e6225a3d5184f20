"""What is wrong with a catalogue, found before devices get it; `checking.py` is the spine, see docs/lint.md."""
