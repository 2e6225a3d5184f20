"""Setting up the emulated machine: what is said where it cannot be, and what its processors say of themselves."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edge.machine import instruction_sets
from tests.arm import machine
from tests.arm.cpus import CPUS

TOOLS = {"apt-get", "dpkg-deb"}


@pytest.mark.parametrize(
    ("system", "architecture", "tools", "says"),
    [
        ("Linux", "x86_64", set(), "apt-get and dpkg-deb not found: .* Debian"),
        ("Linux", "x86_64", {"dpkg-deb"}, "^apt-get not found"),
        ("Linux", "aarch64", TOOLS, "make test"),
        ("Darwin", "arm64", TOOLS, "x86-64 Linux only, this is Darwin on arm64"),
    ],
)
def test_says_why_it_cannot_be_set_up(system: str, architecture: str, tools: set[str], says: str) -> None:
    with pytest.raises(machine.Unavailable, match=says):
        machine.require_able(system, architecture, tools)


def test_debian_on_x86_is_able() -> None:
    machine.require_able("Linux", "x86_64", TOOLS)


def test_command_without_apt_prints_a_sentence_and_gives_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(machine, "FOLDER", tmp_path / "arm")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.main() == 2
    said = capsys.readouterr()
    assert said.err.startswith("test-arm: ") and said.err.count("\n") == 1
    assert not (tmp_path / "arm").exists()


def test_rejects_an_older_python(tmp_path: Path) -> None:
    (tmp_path / "root/usr/bin").mkdir(parents=True)
    (tmp_path / "root/usr/bin/python3.10").touch()
    with pytest.raises(machine.Unavailable, match=r"Python 3\.10, the kit needs 3\.11"):
        machine.python_version(tmp_path)


@pytest.mark.parametrize(
    ("function", "says"), [(machine.python_of, "no python3 for arm64"), (machine.emulator_of, "qemu-user-static")]
)
def test_says_what_the_distribution_lacks(tmp_path: Path, function: object, says: str) -> None:
    with pytest.raises(machine.Unavailable, match=says):
        function(tmp_path)  # type: ignore[operator]


def test_failure_of_a_program_becomes_its_last_line() -> None:
    program = "import sys; print('first', file=sys.stderr); print('E: no such package', file=sys.stderr); sys.exit(100)"
    with pytest.raises(machine.Unavailable, match=r"^asking failed \(100\): E: no such package$"):
        machine.call([sys.executable, "-c", program], "asking")


def test_wheels_are_those_of_the_base_install_and_litert() -> None:
    names = " ".join(machine.requirements())
    assert all(name in names for name in ("numpy", "onnxruntime", "usearch", "numkong", "av", "ai-edge-litert"))


@pytest.mark.parametrize("cpu", CPUS, ids=lambda cpu: cpu.name)
def test_cpuinfo_is_read_as_an_arm_core(cpu: machine.Cpu) -> None:
    text = cpu.cpuinfo(4)
    assert text.count("processor") == 4
    assert "asimd" in instruction_sets(text)
    assert ("asimddp" in instruction_sets(text)) == (cpu.board == "Raspberry Pi 5")
