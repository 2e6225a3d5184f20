"""What of the machine a session may use, as the user asked for it.

    >>> Hardware(threads=2, providers=("coreml",))
    Hardware(threads=2, providers=('coreml',))

Providers go by short names. For ONNX models they are onnxruntime's execution providers: "coreml" stands for
CoreMLExecutionProvider. TFLite models have two of their own: "xnnpack", which is what the runtime takes by itself,
and "cpu", the runtime's built-in kernels without XNNPACK. What a machine does not have is left out and said; the CPU
always remains.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

SUFFIX = "ExecutionProvider"


@dataclass(frozen=True)
class Hardware:
    """What a session may use.

    Attributes:
        threads: inside one operator; 0 leaves it to the runtime.
        providers: short names, most wanted first; empty leaves it to the runtime.
    """

    threads: int = 0
    providers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.threads < 0:
            raise ValueError(f"threads is {self.threads}, expected 0 or more")
        object.__setattr__(self, "providers", tuple(short_name(name) for name in self.providers))


def short_name(provider: str) -> str:
    """Return "coreml" for "CoreMLExecutionProvider", and any short name in small letters."""
    return provider.strip().removesuffix(SUFFIX).lower()


def choose(wanted: Sequence[str], available: Sequence[str], runtime: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split wanted providers into those that are there and a sentence for each that is not.

    Args:
        wanted: short names, most wanted first.
        available: what the runtime has here, under its own names.
        runtime: its name, for the sentences.

    Returns:
        The runtime's own names in the wanted order, and the sentences.
    """
    own = {short_name(name): name for name in available}
    usable = tuple(own[name] for name in dict.fromkeys(wanted) if name in own)
    return usable, tuple(
        f"{runtime} has no provider {name!r} on this machine (it has {', '.join(sorted(own))}): going on without it"
        for name in dict.fromkeys(wanted)
        if name not in own
    )


def add_hardware_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare --threads and --provider; `hardware_of` reads them."""
    parser.add_argument(
        "--threads", type=whole_number, default=0, metavar="N", help="threads of the models (default: all cores)"
    )
    parser.add_argument(
        "--provider",
        type=lambda text: tuple(name for name in text.split(",") if name.strip()),
        default=(),
        metavar="NAME[,NAME]",
        help="run models on this, most wanted first: cpu, xnnpack, coreml, cuda, openvino, nnapi, ... "
        "(default: what the runtime takes by itself)",
    )


def hardware_of(args: argparse.Namespace) -> Hardware:
    """Return what the command line asked for."""
    return Hardware(args.threads, args.provider)


def whole_number(text: str) -> int:
    """Parse an option that is a number from 0."""
    try:
        value = int(text)
    except ValueError:
        value = -1
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number >= 0")
    return value
