"""Making a repository: folders, keys, and metadata that says that nothing is published yet."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Root

from edge.errors import OutputError, UsageError
from edge.files import whole_folder
from server.keys import OFFLINE_ROLES, ONLINE_ROLES, create_key
from server.metadata import first_metadata
from server.publication import commit
from server.repository import KIND, MARKER, ROLES, Repository, Settings

MAX_KEYS = 16


@dataclass(frozen=True, repr=False)
class Founding:
    """How a repository is to be made.

    Attributes:
        settings: lives, keep, grace.
        threshold: how many root keys must sign.
        keys: how many root keys there are.
        offline_passphrase: encrypts the keys of root and targets; None: nothing does.
        online_passphrase: encrypts the keys of snapshot and timestamp; None: nothing does.
    """

    settings: Settings
    threshold: int
    keys: int
    offline_passphrase: bytes | None
    online_passphrase: bytes | None


def require_free(root: Path) -> None:
    """Raise `OutputError` if something stands where a repository is to be made; a repository is never replaced."""
    if (root / MARKER).exists():
        raise OutputError(f"{root}: is a repository already; its keys would be lost: choose another place")
    if root.is_dir() and any(root.iterdir()):
        raise OutputError(f"{root}: is not empty: choose another place")


def found(root: Path, founding: Founding, now: datetime) -> Repository:
    """Make a repository; it is there whole or not at all.

    Raises:
        UsageError: the threshold does not fit the number of keys.
        OutputError: something stands there, or it cannot be written.
    """
    if not 1 <= founding.threshold <= founding.keys <= MAX_KEYS:
        raise UsageError(
            f"--threshold {founding.threshold} --keys {founding.keys}: 1 <= threshold <= keys <= {MAX_KEYS} must hold"
        )
    require_free(root)
    with whole_folder(root, MARKER, KIND) as folder:
        made = Repository(folder, founding.settings)
        signers: dict[str, list[CryptoSigner]] = {
            role: [create_key(_folder(made, role), role, _passphrase(founding, role)) for _ in range(count)]
            for role, count in {**dict.fromkeys(ROLES, 1), "root": founding.keys}.items()
        }
        payload = Root(expires=now + founding.settings.life("root"), consistent_snapshot=True)
        for role in ROLES:
            for signer in signers[role]:
                payload.add_key(signer.public_key, role)
        payload.roles["root"].threshold = founding.threshold
        commit(made.public, first_metadata(payload, founding.settings, signers, now))
        (folder / MARKER).write_text(founding.settings.text(), encoding="utf-8")
        made.log(now, "init", root_keys=founding.keys, threshold=founding.threshold)
        for path in (folder / "keys", made.offline_keys, made.online_keys):
            os.chmod(path, 0o700)
    return Repository(root, founding.settings)


def _folder(repository: Repository, role: str) -> Path:
    return repository.offline_keys if role in OFFLINE_ROLES else repository.online_keys


def _passphrase(founding: Founding, role: str) -> bytes | None:
    return founding.online_passphrase if role in ONLINE_ROLES else founding.offline_passphrase
