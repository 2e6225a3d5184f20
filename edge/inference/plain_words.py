"""What a runtime's own complaint means, in words that say what to do.

>>> in_plain_words(RuntimeError("Encountered unresolved custom op: Warp."))
'it needs the operator Warp, which this runtime does not have: export the model without it'

The patterns follow the messages of onnxruntime 1.20 to 1.32, LiteRT 2.3 and tflite-runtime 2.14; any other complaint is
passed on as it is, without the runtime's error codes, source lines and the path, which the sentence around it names.
"""

from __future__ import annotations

import re

LONGEST = 200
_MISSING = "it needs the operator {}, which this runtime does not have: export the model without it"
_DAMAGED = "the file is damaged, cut short, or no model: fetch or export it again"
_TOO_NEW = "it is of {} {}, newer than this runtime knows: update the runtime, or export it in an older one"
_MEANINGS = tuple(
    (re.compile(pattern, re.DOTALL), words)
    for pattern, words in (
        (r"unresolved custom op: (\w+)", _MISSING),
        (r"Select TensorFlow op\(s\).*\((Flex\w+)\)", _MISSING + ", with TFLite's own operators only"),
        (r"Didn't find op for builtin opcode '(\w+)' version '\d+'", _MISSING + ", or update the runtime"),
        (r"([\w.]+:\w+)\(-?\d+\) is not a registered function/op", _MISSING),
        (r"No Op registered for (\w+)", _MISSING),
        (r"(Opset) (\d+) is under development", _TOO_NEW),
        (r"Unsupported model (IR version): (\d+)", _TOO_NEW),
        (r"not a valid Flatbuffer|Protobuf parsing failed|No graph was found", _DAMAGED),
    )
)
_NOISE = re.compile(r"^(\[ONNXRuntimeError\] : \d+ : \w+ : )?(Load model from .* failed:)?(Fatal error: )?(/\S+:\d+ )?")


def in_plain_words(error: Exception) -> str:
    """Return what a runtime's exception means, without a full stop; its own first line where the meaning is not known.

    Args:
        error: what the runtime raised while it loaded or ran a model.
    """
    text = str(error).strip()
    for pattern, words in _MEANINGS:
        if found := pattern.search(text):
            return words.format(*found.groups())
    first = _NOISE.sub("", text.splitlines()[0], count=1).strip() if text else ""
    return first[:LONGEST].rstrip(".") or type(error).__name__
