"""Training of the kit's own models; PyTorch is the extra `[train]` and is imported only when training starts."""
