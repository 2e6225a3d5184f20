"""What this machine has: processor, memory, instruction sets, and the runtimes that are installed.

>>> [runtime.name for runtime in runtimes() if runtime.version]
['onnxruntime', 'ai-edge-litert']
"""

from __future__ import annotations

import importlib
import os
import platform
import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

TELLING = re.compile(r"sse4_[12]|avx\w*|fma|f16c|amx\w*|asimd\w*|neon|sve\w*|i8mm|bf16|fphp|rvv|v")
"""Instruction sets that the kernels of the runtimes and of the search ask for."""
LIBRARIES = ("numpy", "pillow", "numkong", "usearch", "av")


@dataclass(frozen=True)
class Runtime:
    """A runtime that the kit can use.

    Attributes:
        name: its package.
        suffix: of the model files that it runs.
        extra: what brings it; empty for the base install.
        version: None where it is not installed or does not import.
        providers: what it can run models on here, short names.
        problem: why an installed one does not import, else empty.
    """

    name: str
    suffix: str
    extra: str
    version: str | None
    providers: tuple[str, ...] = ()
    problem: str = ""


def machine() -> dict[str, Any]:
    """Return system, architecture, cores, memory and instruction sets, as `edge doctor --json` gives them."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "cores": cores(),
        "memory_bytes": _memory_bytes(),
        "instruction_sets": list(instruction_sets()),
        "libraries": {name: installed for name in LIBRARIES if (installed := _version(name))},
    }


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def instruction_sets(cpuinfo: str | None = None) -> tuple[str, ...]:
    """Return the vector instruction sets of the processor.

    Args:
        cpuinfo: text of Linux's /proc/cpuinfo; None reads it, or asks the search library where there is none.
    """
    if cpuinfo is None:
        try:
            cpuinfo = Path("/proc/cpuinfo").read_text()
        except OSError:
            return _search_kernels()
    line = re.search(r"^(?:flags|Features|isa)\s*:\s*(.*)$", cpuinfo, re.MULTILINE)
    words = line.group(1).split() if line else []
    return tuple(sorted({word for word in words if TELLING.fullmatch(word)}))


def runtimes() -> tuple[Runtime, ...]:
    """Return every runtime that the kit knows, installed or not."""
    found = [_runtime("onnxruntime", "onnxruntime", ".onnx", "")]
    for name, extra in (("ai-edge-litert", "litert"), ("tflite-runtime", "tflite")):
        found.append(_runtime(name, f"{name.replace('-', '_')}.interpreter", ".tflite", extra))
    return tuple(found)


def _runtime(name: str, module: str, suffix: str, extra: str) -> Runtime:
    installed = _version(name)
    if installed is None:
        return Runtime(name, suffix, extra, None)
    try:
        imported = importlib.import_module(module)
    except Exception as e:  # a native library that does not fit the machine may raise anything
        return Runtime(name, suffix, extra, None, problem=f"{name} {installed} does not import: {e}")
    return Runtime(name, suffix, extra, installed, _providers(imported))


def _providers(module: Any) -> tuple[str, ...]:
    from edge.inference.hardware import short_name

    if hasattr(module, "get_available_providers"):
        return tuple(short_name(name) for name in module.get_available_providers())
    return ("xnnpack", "cpu")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _search_kernels() -> tuple[str, ...]:
    import numkong

    return tuple(sorted(name for name, there in numkong.get_capabilities().items() if there and name != "serial"))
