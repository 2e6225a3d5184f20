"""Thresholds for one catalogue that hold a promised rate of false tags; see docs/calibrate.md."""
