"""Private keys as files: Ed25519, PKCS 8 in PEM (RFC 5208, RFC 8410), mode 0600, encrypted with a passphrase.

A key is found by the id that the root metadata gives it, in any of the folders where it may lie, so that the offline
keys can be carried away and come back on a stick.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.exceptions import KeyMismatchError
from securesystemslib.signer import CryptoSigner, Key, SSlibKey
from tuf.api.metadata import Root

from edge.errors import InputError, OutputError
from server.passphrases import Passphrases

OFFLINE_ROLES = ("root", "targets")
ONLINE_ROLES = ("snapshot", "timestamp")
_ENCRYPTED = b"ENCRYPTED PRIVATE KEY"


@dataclass(frozen=True)
class KeyRing:
    """Where the private keys of a repository may lie, and what opens them.

    Attributes:
        offline: folders to look for keys of root and targets in; new ones are made in the first.
        online: folder of the keys of snapshot and timestamp.
        offline_passphrases: open the offline keys.
        online_passphrases: open the online keys.
    """

    offline: tuple[Path, ...]
    online: Path
    offline_passphrases: Passphrases
    online_passphrases: Passphrases

    def signers(self, root: Root, role: str, at_least: int | None = None) -> tuple[CryptoSigner, ...]:
        """Open the keys of a role.

        Args:
            root: names the keys of every role.
            role: "root", "targets", "snapshot" or "timestamp".
            at_least: how many must be found; None: the role's threshold.

        Raises:
            InputError: too few of them are there, or one cannot be opened.
        """
        known = root.roles[role]
        wanted = known.threshold if at_least is None else at_least
        found = [(keyid, path) for keyid in known.keyids if (path := self._find(role, keyid)) is not None]
        if len(found) < wanted:
            where = ", ".join(str(folder) for folder in self._folders(role))
            names = ", ".join(file_name(role, keyid) for keyid in known.keyids)
            need = f"{wanted} of {len(known.keyids)} keys ({names}), {len(found)} found in {where}"
            raise InputError(f"{role} needs {need}: bring the keys back or name their folder with --offline-keys")
        return tuple(self._open(path, root.keys[keyid]) for keyid, path in found)

    def create(self, role: str, passphrase: bytes | None) -> CryptoSigner:
        """Make a new key for a role and write it; None writes it without encryption."""
        return create_key(self._folders(role)[0], role, passphrase)

    def passphrase_like(self, role: str) -> bytes | None:
        """Return the passphrase for a new key of a role: none, if the keys that lie there have none."""
        paths = [path for folder in self._folders(role) for path in sorted(folder.glob("*.pem"))]
        if paths and not any(_ENCRYPTED in path.read_bytes() for path in paths):
            return None
        return self._passphrases(role).chosen()

    def _open(self, path: Path, key: Key) -> CryptoSigner:
        if not isinstance(key, SSlibKey):
            raise InputError(f"{path}: is a key of a kind that files do not hold")
        role = path.name.partition("-")[0]
        try:
            private = _opened(path, self._passphrases(role))
            return CryptoSigner(private, key)
        except OSError as e:
            raise InputError(f"{path}: cannot be read ({e.strerror or e})") from e
        except (ValueError, TypeError, KeyMismatchError) as e:
            raise InputError(f"{path}: is not the key that its name says ({str(e)[:80]})") from e

    def _find(self, role: str, keyid: str) -> Path | None:
        paths = (folder / file_name(role, keyid) for folder in self._folders(role))
        return next((path for path in paths if path.is_file()), None)

    def _folders(self, role: str) -> Sequence[Path]:
        return self.offline if role in OFFLINE_ROLES else (self.online,)

    def _passphrases(self, role: str) -> Passphrases:
        return self.offline_passphrases if role in OFFLINE_ROLES else self.online_passphrases


def file_name(role: str, keyid: str) -> str:
    """Return the name of a key's file."""
    return f"{role}-{keyid[:16]}.pem"


def create_key(folder: Path, role: str, passphrase: bytes | None) -> CryptoSigner:
    """Make an Ed25519 key and write it with mode 0600.

    Raises:
        OutputError: the file cannot be written.
    """
    signer = CryptoSigner.generate_ed25519()
    how: KeySerializationEncryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    private = load_pem_private_key(signer.private_bytes, None)
    path = folder / file_name(role, signer.public_key.keyid)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how))
            file.flush()
            os.fsync(file.fileno())
    except OSError as e:
        raise OutputError(f"{path}: the key cannot be written ({e.strerror or e})") from e
    return signer


def _opened(path: Path, passphrases: Passphrases) -> Ed25519PrivateKey:
    pem = path.read_bytes()
    if _ENCRYPTED not in pem:
        return _ed25519(load_pem_private_key(pem, None), path)
    for passphrase in passphrases.candidates(str(path)):
        try:
            return _ed25519(load_pem_private_key(pem, passphrase), path)
        except ValueError:
            continue
    raise InputError(f"{path}: wrong passphrase")


def _ed25519(key: object, path: Path) -> Ed25519PrivateKey:
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"{path}: holds another kind of key than Ed25519")
    return key
