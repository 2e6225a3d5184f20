"""Taglet at the workshop: builds shards and bundles, trains, quantizes and evaluates."""
