"""The demo: media of the project's own making, with known contents, through the whole kit."""
