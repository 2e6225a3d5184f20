"""Public models under permissive licences: a list as data, and a checked, resumable download."""
