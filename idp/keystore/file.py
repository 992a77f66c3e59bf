"""Keys in a directory: PEM (PKCS #8), HMAC secrets, and a state file that says which is which.

The directory is 0700 and every file 0600, or nothing is read. Changes are made under a lock, each
file written whole or not at all, the state file last: a reader sees the old set or the new one.
"""

import fcntl
import json
import os
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPrivateNumbers
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from idp.core.errors import Unavailable
from idp.core.strict_json import loads_object
from idp.jose.algorithms import PrivateKey
from idp.jose.jwe import DecryptionKey
from idp.jose.jwk import JwkSet
from idp.jose.signer import LocalSigner, Signer
from idp.keystore.keyset import EncryptionKey, Key, KeySet, KeyState, from_private_key
from idp.keystore.rotation import Action, Policy, apply, plan, plan_revocation
from idp.storage.fresh import Fresh

SecretName: TypeAlias = Literal["pairwise", "otp", "passcode", "login", "audit", "token", "client"]
"""What a stored secret keys: pairwise subjects, codes, passcodes, login tickets and forms, the
audit chain, tokens, client secrets. ``pairwise`` must never change, or every ``sub`` would; nor
``passcode``, or every citizen would have to set theirs again."""

SECRETS: tuple[SecretName, ...] = get_args(SecretName)
SECRET_BYTES = 32
_LOGIN = ("csrf", "ticket", "counter", "replay", "card", "device", "session-state")
_FIRST: Mapping[str, SecretName] = {
    **{each: each for each in SECRETS},
    **dict.fromkeys(_LOGIN, "login"),
    **dict.fromkeys(("refresh", "dpop-nonce"), "token"),
}
"""The purposes of release 1, whose keys are the stored secrets themselves: tokens, subjects and
the audit chain of a running deployment must keep their values."""
TRUSTED = 1.0
"""Seconds for which keys may be used without a look at the directory: a store that cannot be read
any more signs nothing after that."""
_STATE = "keys.json"
_NONE = KeySet()
_KID = re.compile(r"[A-Za-z0-9_-]{43}")


class InvalidKeyStore(ValueError):
    """The directory is not a key store that may be used; the message is for the operator."""


@dataclass(frozen=True, slots=True)
class _Contents:
    """What the state file says: the keys, and the secrets that were made."""

    keys: KeySet
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Loaded:
    """The keys, and what the directory looked like when they were read."""

    mark: object
    keys: KeySet


class KeyStore:
    """The keys in ``directory`` as they are now: a rotation reaches every process in a second."""

    def __init__(self, directory: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Read the directory.

        Raises:
            InvalidKeyStore: it must not be used as it is.
        """
        self.directory = directory
        read = _Loaded(_mark(directory), load(directory))
        self._view = Fresh(
            self._load, read, known=True, trusted=TRUSTED, pause=0.0, monotonic=monotonic
        )
        self._secrets = {name: read_secret(directory, name) for name in SECRETS}

    @property
    def keys(self) -> KeySet:
        """The keys now.

        Raises:
            Unavailable: they changed and cannot be read any more.
        """
        return self._view.get().keys

    def refresh(self) -> None:
        """Read the directory again, if it changed.

        Raises:
            Unavailable: it cannot be read any more.
        """
        self._view.refresh()

    def signer(self, alg: str) -> Signer:
        """What signs under ``alg`` now; raises Unavailable when nothing does."""
        return self.keys.signer(alg)

    def verification(self) -> JwkSet:
        """What our own tokens are verified with."""
        return self.keys.verification()

    def decryption(self) -> tuple[DecryptionKey, ...]:
        """What is encrypted to us is decrypted with these."""
        return self.keys.decryption()

    def jwks(self) -> dict[str, Any]:
        """What is published."""
        return self.keys.jwks()

    def derive(self, purpose: str) -> bytes:
        """The 32-byte key of one purpose: ``keys.derive("csrf")``.

        A new purpose needs no new file: its key is derived from ``login.secret`` (HKDF-Expand,
        RFC 5869 §2.3), so no purpose can be computed from another.
        """
        if purpose in _FIRST:
            return self._secrets[_FIRST[purpose]]
        info = f"idp {purpose}".encode()
        return HKDFExpand(SHA256(), SECRET_BYTES, info).derive(self._secrets["login"])

    def _load(self, last: _Loaded) -> _Loaded:
        try:
            mark = _mark(self.directory)
            return last if mark == last.mark else _Loaded(mark, load(self.directory, last.keys))
        except InvalidKeyStore as error:
            raise Unavailable("keys") from error


def load(directory: Path, known: KeySet = _NONE) -> KeySet:
    """The keys in ``directory``. Those ``known`` are not read again: an RSA key takes 0.1 s.

    Raises:
        InvalidKeyStore: absent, open to others, weak, or not what the state file says.
    """
    return _read(directory, known).keys


def rotate(directory: Path, now: int, policy: Policy, *, due: bool = False) -> tuple[Action, ...]:
    """Do what the policy wants done now, which makes everything in an empty directory.

    Run it at start and daily; ``due`` is the operator's wish to change keys before their time.
    Returns what was done.

    Raises:
        InvalidKeyStore: the directory must not be used as it is.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(directory):
        new = not (directory / _STATE).exists()
        before = _Contents(KeySet(), ()) if new else _read(directory)
        actions = plan(before.keys, now, policy, due=due)
        missing = [name for name in SECRETS if name not in before.secrets]
        for name in missing:
            if (directory / f"{name}.secret").exists():
                continue  # a state file that was lost must not cost what cannot be made again
            _write(directory / f"{name}.secret", secrets.token_bytes(SECRET_BYTES))
        if actions or missing:
            _save(directory, before, apply(before.keys, actions, now))
    return actions


def revoke(directory: Path, kid: str, now: int) -> tuple[Action, ...]:
    """Stop signing with, publishing and accepting a key; every process obeys within a second.

    Raises:
        LookupError: there is no such key.
        InvalidKeyStore: the directory must not be used as it is.
    """
    with _locked(directory):
        before = _read(directory)
        actions = plan_revocation(before.keys, kid)
        _save(directory, before, apply(before.keys, actions, now))
    return actions


def read_secret(directory: Path, name: SecretName) -> bytes:
    """The secret ``name``.

    Raises:
        InvalidKeyStore: it is not there: it has to come back from a backup, for what it keyed
            cannot be read with another one.
    """
    secret = _read_private(directory / f"{name}.secret")
    if len(secret) != SECRET_BYTES:
        raise InvalidKeyStore(f"{name}.secret is not {SECRET_BYTES} bytes")
    return secret


def _read(directory: Path, known: KeySet = _NONE) -> _Contents:
    _check_private(directory)
    by_kid = {each.kid: each for each in known.keys}
    try:
        state = loads_object(_read_private(directory / _STATE))
        keys = KeySet(tuple(_read_key(directory, each, by_kid) for each in state["keys"]))
        return _Contents(keys, tuple(state["secrets"]))
    except InvalidKeyStore:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidKeyStore(f"{_STATE} cannot be read: {error}") from error


def _read_key(directory: Path, entry: dict[str, Any], known: Mapping[str, Key]) -> Key:
    kid = entry["kid"]
    if not _KID.fullmatch(kid):
        raise ValueError("a kid is a thumbprint")
    path = directory / f"{kid}.pem"
    if kid in known and known[kid].alg == entry["alg"]:
        _check_private(path)
        return known[kid].become(KeyState(entry["state"]), int(entry["since"]))
    pem = _read_private(path)
    try:
        # Whether p and q are prime takes 0.1 s, and the directory is ours alone.
        private = load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidKeyStore(f"{kid}.pem is not a private key in PEM") from error
    if isinstance(private, RSAPrivateKey) and not _whole(private.private_numbers()):
        raise InvalidKeyStore(f"{kid}.pem is damaged")
    key = from_private_key(private, entry["alg"], KeyState(entry["state"]), int(entry["since"]))
    if key.kid != kid:
        raise InvalidKeyStore(f"{kid}.pem holds another key")
    return key


def _whole(numbers: RSAPrivateNumbers) -> bool:
    """Whether an RSA key's numbers fit each other: a damaged one would sign wrongly."""
    p, q, d = numbers.p, numbers.q, numbers.d
    n, e = numbers.public_numbers.n, numbers.public_numbers.e
    chinese = (numbers.dmp1, numbers.dmq1, numbers.iqmp)
    return (
        1 < p < n
        and p * q == n
        and e * d % (p - 1) == e * d % (q - 1) == 1
        and chinese == (d % (p - 1), d % (q - 1), pow(q, -1, p))
    )


def _save(directory: Path, before: _Contents, keys: KeySet) -> None:
    old = {each.kid for each in before.keys.keys}
    for each in keys.keys:
        private = _private(each)
        if each.kid not in old and private is not None:
            pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            _write(directory / f"{each.kid}.pem", pem)
    entries = [
        {"kid": each.kid, "alg": each.alg, "state": each.state, "since": each.since}
        for each in keys.keys
    ]
    state = {"keys": entries, "secrets": SECRETS}
    _write(directory / _STATE, json.dumps(state, indent=1).encode())
    for kid in old - {each.kid for each in keys.keys}:
        (directory / f"{kid}.pem").unlink(missing_ok=True)


def _private(key: Key) -> PrivateKey | None:
    """The private key, if it is in memory at all."""
    if isinstance(key, EncryptionKey):
        return key.private
    return key.signer.key if isinstance(key.signer, LocalSigner) else None


def _write(path: Path, content: bytes) -> None:
    """Put ``content`` in place whole, 0600, and on the disk."""
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    parent = os.open(path.parent, os.O_RDONLY)
    os.fsync(parent)
    os.close(parent)


def _read_private(path: Path) -> bytes:
    _check_private(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidKeyStore(f"{path} cannot be read") from error


def _check_private(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise InvalidKeyStore(f"{path} cannot be read") from error
    if stat.S_IMODE(mode) & 0o077:
        raise InvalidKeyStore(f"{path} is open to others: chmod go= {path}")


def _mark(directory: Path) -> tuple[int, int]:
    """What changes whenever the state file is replaced."""
    try:
        found = (directory / _STATE).stat()
    except OSError as error:
        raise InvalidKeyStore(f"there is no key store in {directory}") from error
    return found.st_ino, found.st_mtime_ns


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    _check_private(directory)
    descriptor = os.open(directory / ".lock", os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
