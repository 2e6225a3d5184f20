"""Making bundles: reading models, their sidecars, and binding them with hashes."""
