"""Training of the kit's one-class detector ("product"), an anchor-free network of the `fcos` family.

Flow: sources draw samples -> augmentation -> network -> assignment -> loss -> checkpoint -> ONNX. Only
`network`, `assignment`, `loss` and `training` need PyTorch; the rest is numpy and OpenCV.
"""
