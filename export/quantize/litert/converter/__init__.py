"""ONNX to float LiteRT, by onnx2tf in an environment of its own.

`environment.py` makes that environment, `conversion.py` drives it; `in_environment.py` is what runs there. Decision
record: docs/decisions/0008-onnx2tf-in-its-own-environment.md.
"""
