"""Training of the kit's embedder: pictures of one product in, vectors that lie together out.

`network` is what ships, `rendered` draws products to learn from, `loss` says what is near, `training` learns,
`onnx_file` writes the result. `first` is the whole way for the embedder of rendered pictures only.

For a user's own catalogue `own_bundle` is the whole way: `own_files` reads it, `own_products` deals it, `fine_tune`
learns, `comparison` says whether it was worth it.
"""
