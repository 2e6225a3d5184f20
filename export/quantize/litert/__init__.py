"""LiteRT files of a model: converted from ONNX where need be, then int8, mixed, float16 and dynamic range.

`variants.py` makes the candidates of a job; `source.py` is the float model that they are made from, for a search that
asks for many; `runtimes.py` says which runtimes load a file.
"""

from export.quantize.litert.layers import Layer
from export.quantize.litert.runtimes import Suits, runtimes_of, suits_of
from export.quantize.litert.source import LitertSource, open_litert
from export.quantize.litert.variants import litert_variants, variants_of

__all__ = ["Layer", "LitertSource", "Suits", "litert_variants", "open_litert", "runtimes_of", "suits_of", "variants_of"]
