"""Every error that a user of the kit can meet, as one drawn tree.

Only the command line (and later the HTTP layer) turns an error into a message and an exit code; everything
below raises. A message is one sentence: what is wrong, where, what was found, what to do.

    TagletError                  3
    ├── UsageError               2   the call itself is wrong
    │   └── MissingExtra         2   an optional dependency is not installed
    ├── InputError               3   one input cannot be used; the others are still done
    │   ├── MediaError           3   a picture, video or camera
    │   └── ModelError           3   a model file, its sidecar, or what it computes
    ├── OutputError              3   a result cannot be written; nothing half-written stays behind
    ├── ArtefactRefused          4   bundle, shard, delta or signature is not what it says
    │   └── SpaceMismatch        4   a shard of another embedding space
    ├── BudgetNotMet             5   an accuracy, size or time budget
    └── NetworkError             6   the network or the server cannot be reached
"""

from __future__ import annotations


class TagletError(Exception):
    """Root of the tree; `exit_code` is what a command ends with when it raises."""

    exit_code = 3


class UsageError(TagletError):
    """The call itself is wrong: an unknown option value, two options that exclude each other."""

    exit_code = 2


class MissingExtra(UsageError):
    """An optional dependency is not installed; the message names the extra that brings it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} is not installed: run `pip install 'taglet[{extra}]'`")


class InputError(TagletError):
    """One input cannot be used; the other inputs of the same call are still done."""


class MediaError(InputError):
    """A picture, video or camera that cannot be read."""


class ModelError(InputError):
    """A model file, its sidecar, or what it computes, cannot be used."""


class OutputError(TagletError):
    """A result cannot be written (folder not writable, disk full); nothing half-written stays behind."""


class ArtefactRefused(TagletError):
    """A bundle, shard, delta or signature is not what it says it is."""

    exit_code = 4


class SpaceMismatch(ArtefactRefused):
    """A shard was embedded in another space than the bundle's; similarities would mean nothing."""


class BudgetNotMet(TagletError):
    """An accuracy, size or time budget was not met."""

    exit_code = 5


class NetworkError(TagletError):
    """The network or the server could not be reached."""

    exit_code = 6
