"""Access tokens: JWTs (RFC 7519, profile of RFC 9068) signed with Ed25519.

One process signs them and every door checks them with the public key. Nothing in a token's header is believed: the
algorithm is fixed, `kid` only chooses among keys that are known, and other members are not read.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from access.caller import SIGNED_IN, Caller, Role, Scope
from music.errors import InvalidInput, Reason, Unauthenticated

ISSUER: Final = "genesis.music"
AUDIENCE: Final = "genesis.v1"
_ALGORITHM: Final = "EdDSA"
_TYPE: Final = "at+jwt"
_MOST_CHARACTERS: Final = 4096
_END_OF_KEY: Final = b"-----END PUBLIC KEY-----"
_LEEWAY_S: Final = 5
"""Clocks of two machines may differ by as much."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token that counts says. `issued_at_s` is Unix time in whole seconds."""

    caller: Caller
    issued_at_s: int


class TokenSigner:
    """Makes access tokens.

    Args:
        key: its public half is what `TokenVerifier` needs.
        lifetime_s: of a token.
    """

    def __init__(self, key: Ed25519PrivateKey, lifetime_s: int) -> None:
        self._key = key
        self._key_id = key_id(key.public_key())
        self.lifetime_s = lifetime_s

    @property
    def public_key(self) -> Ed25519PublicKey:
        return self._key.public_key()

    def sign(self, account_id: str, role: Role, scopes: Iterable[Scope] = SIGNED_IN, *, not_before_s: int = 0) -> str:
        """A token for an account, from now on, or from `not_before_s`, which may lie a second ahead."""
        now_s = max(int(time.time()), not_before_s)
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": account_id,
            "role": role.value,
            "scope": " ".join(sorted(scopes)),
            "iat": now_s,
            "exp": now_s + self.lifetime_s,
            "jti": uuid.uuid4().hex,
        }
        return jwt.encode(claims, self._key, _ALGORITHM, {"kid": self._key_id, "typ": _TYPE})


class TokenVerifier:
    """Checks access tokens against the keys it was given: the present one, and former ones while theirs live."""

    def __init__(self, keys: Sequence[Ed25519PublicKey]) -> None:
        self._keys = {key_id(key): key for key in keys}

    def verify(self, token: str) -> Claims:
        """Raises Unauthenticated: TOKEN_INVALID."""
        try:
            return self._verify(token)
        except jwt.ExpiredSignatureError:
            raise Unauthenticated(Reason.TOKEN_INVALID, "The access token has expired; refresh it.") from None
        except (jwt.PyJWTError, ValueError, TypeError, KeyError, RecursionError):
            # What exactly is wrong with it would help nobody but a forger.
            raise Unauthenticated(Reason.TOKEN_INVALID, "This is no access token of ours; sign in again.") from None

    def _verify(self, token: str) -> Claims:
        if len(token) > _MOST_CHARACTERS:
            raise ValueError("too long")
        header = jwt.get_unverified_header(token)
        if header.get("typ") != _TYPE:
            raise ValueError("of another kind")
        claims: dict[str, Any] = jwt.decode(
            token,
            self._keys[header["kid"]],
            algorithms=[_ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=_LEEWAY_S,
            options={"require": ["iss", "aud", "sub", "iat", "exp", "jti"]},
        )
        if not isinstance(claims["sub"], str) or not claims["sub"]:
            raise ValueError("nobody's")
        scopes = frozenset(Scope(scope) for scope in str(claims["scope"]).split())
        return Claims(Caller(claims["sub"], Role(claims["role"]), scopes), int(claims["iat"]))


def key_id(key: Ed25519PublicKey) -> str:
    """A short name of a public key, the same wherever it is computed."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:16]


def write_key_pair(private_path: Path, public_path: Path) -> None:
    """A new Ed25519 key in PEM files, the private one for its owner's eyes only. Raises FileExistsError."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    private_path.touch(mode=0o600, exist_ok=False)
    private_path.write_bytes(private)
    public_path.write_bytes(public)


def load_signing_key(path: Path) -> Ed25519PrivateKey:
    """Raises InvalidInput: CONFIG_INVALID."""
    try:
        key = serialization.load_pem_private_key(_read(path), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidInput(
            Reason.CONFIG_INVALID,
            f"{path} holds no Ed25519 private key in PEM; `genesis admin keys {path}` makes one.",
        )
    return key


def load_public_keys(path: Path) -> list[Ed25519PublicKey]:
    """Those of a file of one or more PEM blocks. Raises InvalidInput: CONFIG_INVALID."""
    blocks = [block.strip() + b"\n" + _END_OF_KEY for block in _read(path).split(_END_OF_KEY)[:-1]]
    try:
        keys = [serialization.load_pem_public_key(block) for block in blocks]
    except (ValueError, UnsupportedAlgorithm):
        keys = []
    ours = [key for key in keys if isinstance(key, Ed25519PublicKey)]
    if not ours or len(ours) != len(keys):
        raise InvalidInput(
            Reason.CONFIG_INVALID,
            f"{path} holds no Ed25519 public keys in PEM; take the .pub file that `genesis admin keys` wrote.",
        )
    return ours


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(Reason.CONFIG_INVALID, f"The key file {path} cannot be read: {error.strerror}.") from None
