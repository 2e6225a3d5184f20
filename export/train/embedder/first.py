"""Train an embedder on rendered pictures only: no photo, no teacher, random first weights.

python -m export.train.embedder.first embedder.onnx --steps 300 --seed 0
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from edge.errors import MissingExtra, TagletError


def train_first(out: Path, steps: int, seed: int, pool_size: int) -> float:
    """Train, resuming from `out` with the suffix .checkpoint where it exists, and write `out`.

    Returns:
        The largest difference between PyTorch and onnxruntime.
    """
    if find_spec("torch") is None:
        raise MissingExtra("PyTorch", "train")
    from export.train.embedder.network import SIZE
    from export.train.embedder.onnx_file import write_onnx
    from export.train.embedder.rendered import RenderedFamilies
    from export.train.embedder.training import Recipe, Training

    source = RenderedFamilies(size=SIZE, pool_size=pool_size)
    training = Training(Recipe(steps=steps, seed=seed), source, out.with_suffix(".checkpoint"))
    training.resume()
    training.run(lambda now, at: print(f"step {now.step} of {steps}: loss {at['loss']:.3f}", file=sys.stderr), every=20)
    return write_onnx(training.result, out)


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, train, and say what was written."""
    parser = argparse.ArgumentParser(prog="python -m export.train.embedder.first", description=__doc__)
    parser.add_argument("out", type=Path, help="ONNX file to write")
    parser.add_argument("--steps", type=int, default=300, help="batches of 120 pictures (default 300)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the data and of the first weights")
    parser.add_argument("--pool", type=int, default=16_000, help="rendered products kept in memory (default 16000)")
    given = parser.parse_args(arguments)
    try:
        worst = train_first(given.out, given.steps, given.seed, given.pool)
    except TagletError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    print(f"{given.out}: written; PyTorch and ONNX differ by at most {worst:.1e}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
