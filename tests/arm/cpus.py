"""The processors that are imitated: what the emulator calls them and what they say of themselves.

A process under user emulation reads /proc/cpuinfo of the machine that emulates. onnxruntime 1.32 and LiteRT 2.3 ask
that file which ARM core they run on, find an x86-64 one, and crash (the one when it is imported, the other at its first
model). With the file that a Raspberry Pi has in its place they run, and choose the kernels of that core.
"""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Cpu:
    """An ARM core.

    Attributes:
        name: what the emulator calls it.
        board: a machine that has it.
        part: its number in /proc/cpuinfo; the implementer is ARM (0x41).
        variant: of that part.
        features: instruction sets, in the words of Linux.
    """

    name: str
    board: str
    part: str
    variant: str
    features: str

    def cpuinfo(self, cores: int | None = None) -> str:
        """Return the text of /proc/cpuinfo of a machine with as many of these cores as this one has."""
        return "".join(
            f"processor\t: {core}\nBogoMIPS\t: 108.00\nFeatures\t: {self.features}\nCPU implementer\t: 0x41\n"
            f"CPU architecture: 8\nCPU variant\t: {self.variant}\nCPU part\t: {self.part}\nCPU revision\t: 1\n\n"
            for core in range(cores or os.cpu_count() or 1)
        )


CPUS = (
    Cpu("cortex-a72", "Raspberry Pi 4", "0xd08", "0x0", "fp asimd evtstrm crc32 cpuid"),
    Cpu(
        "cortex-a76",
        "Raspberry Pi 5",
        "0xd0b",
        "0x4",
        "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp",
    ),
)
"""The first has no dot product of int8 and no half precision arithmetic, the second has both: other kernels run."""
