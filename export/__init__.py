"""Workbench of the kit: train, quantize, evaluate, and build bundles and catalogue shards."""
