"""Objects followed through a video, and what they are called: docs/formats/tracks.md as code."""
