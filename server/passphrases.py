"""Where passphrases come from: a file, an environment variable, or a person at a terminal.

The offline and the online keys have a passphrase of their own, since the one for the online keys lies on a machine that
is always on.
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.errors import InputError, UsageError

OFFLINE_VARIABLE = "TAGLET_OFFLINE_PASSPHRASE"
ONLINE_VARIABLE = "TAGLET_ONLINE_PASSPHRASE"


@dataclass(frozen=True)
class Passphrases:
    """A source of passphrases for one kind of keys.

    Attributes:
        kind: "offline" or "online", for the prompt and for error messages.
        variable: environment variable that may hold one.
        file: file with one passphrase a line, each of which is tried; None: the variable or a prompt.
    """

    kind: str
    variable: str
    file: Path | None = None

    @property
    def option(self) -> str:
        """The option that names the file."""
        return f"--{self.kind}-passphrase-file"

    def candidates(self, purpose: str) -> Iterator[bytes]:
        """Yield passphrases to try on a key.

        Args:
            purpose: what is to be opened, for the prompt.

        Raises:
            InputError: the file cannot be read.
            UsageError: there is no file, no variable and no terminal to ask at.
        """
        written = self._written()
        if written:
            yield from (line.encode() for line in written)
        else:
            yield self._asked(f"passphrase of {purpose}: ").encode()

    def chosen(self) -> bytes:
        """Return the passphrase for new keys: the first that is written down, else one that is typed twice.

        Raises:
            InputError, UsageError: as `candidates`; also where the passphrase is empty or typed differently.
        """
        written = self._written()
        if written:
            return written[0].encode()
        first = self._asked(f"new passphrase for the {self.kind} keys: ")
        if not first or first != self._asked("once more: "):
            raise UsageError("the passphrase is empty or was typed differently the second time: begin anew")
        return first.encode()

    def _written(self) -> list[str]:
        if self.file is None:
            return [value] if (value := os.environ.get(self.variable)) else []
        try:
            lines = [line for line in self.file.read_text(encoding="utf-8").splitlines() if line]
        except (OSError, UnicodeDecodeError) as e:
            raise InputError(f"{self.option} {self.file}: cannot be read ({e})") from e
        if not lines:
            raise InputError(f"{self.option} {self.file}: holds no passphrase")
        return lines

    def _asked(self, prompt: str) -> str:
        if not sys.stdin.isatty():
            raise UsageError(
                f"the {self.kind} keys need a passphrase and there is no terminal to ask at: "
                f"give {self.option} FILE or set {self.variable}"
            )
        return getpass.getpass(prompt)
