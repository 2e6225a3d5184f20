"""How fast, how large and how good bundles are on this machine; only the plot needs more than the base install."""
