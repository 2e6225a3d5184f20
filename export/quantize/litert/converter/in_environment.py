"""Runs in the converter's own environment, as a script: `in_environment.py IN.onnx FOLDER`.

Nothing of the kit is installed there. The graph is simplified, onnx2tf writes FOLDER/*_float32.tflite, and the last
line of stdout is a JSON object: {"file": PATH} or {"error": SENTENCE}. The network is shut off: some versions of
onnx2tf fetch sample pictures unasked. onnx2tf also rewrites its input in place: IN.onnx must be a copy.
"""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any, NoReturn


def _no_network(*_: Any, **__: Any) -> NoReturn:
    raise OSError("the converter has no network")


def _convert(source: Path, folder: Path) -> Path:
    import onnx
    import onnx2tf
    import onnxsim

    model, same = onnxsim.simplify(onnx.load(source))
    if not same:
        raise RuntimeError("simplifying the graph changed what it computes")
    onnx.save(model, source)
    onnx2tf.convert(
        input_onnx_file_path=str(source),
        output_folder_path=str(folder),
        not_use_onnxsim=True,
        verbosity="error",
    )
    made = sorted(folder.glob("*_float32.tflite"))
    if len(made) != 1:
        raise RuntimeError(f"onnx2tf wrote {len(made)} float32 files instead of one")
    return made[0]


def _sentence(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {' '.join(lines)[:300]}" if lines else type(error).__name__


def main() -> None:
    """Convert what the command line names."""
    for name in ("connect", "connect_ex"):
        setattr(socket.socket, name, _no_network)
    socket.getaddrinfo = _no_network
    try:
        said = {"file": str(_convert(Path(sys.argv[1]), Path(sys.argv[2])))}
    except (Exception, SystemExit) as e:  # onnx2tf raises whatever its parts raise, and leaves by sys.exit
        said = {"error": _sentence(e)}
    print("\n" + json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
