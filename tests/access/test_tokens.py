"""Tokens that count, and every kind that must not."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from access.caller import Caller, Role, Scope
from access.tokens import (
    AUDIENCE,
    ISSUER,
    TokenSigner,
    TokenVerifier,
    key_id,
    load_public_keys,
    load_signing_key,
    write_key_pair,
)
from music.errors import InvalidInput, Reason, Unauthenticated

KEY = Ed25519PrivateKey.generate()
SIGNER = TokenSigner(KEY, 600)
VERIFIER = TokenVerifier([KEY.public_key()])


def forged(key: Any = KEY, algorithm: str = "EdDSA", header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A token with what a test wants of it, else as ours are."""
    now_s = int(time.time())
    said: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "a",
        "role": "user",
        "scope": "read",
        "jti": "1",
        "iat": now_s,
        "exp": now_s + 60,
        **claims,
    }
    said = {name: value for name, value in said.items() if value is not None}
    headers = {"kid": key_id(KEY.public_key()), "typ": "at+jwt", **(header or {})}
    return jwt.encode(said, key, algorithm, headers)


def test_what_was_signed_counts() -> None:
    claims = VERIFIER.verify(SIGNER.sign("alice", Role.ADMIN, {Scope.READ}))
    assert claims.caller == Caller("alice", Role.ADMIN, frozenset({Scope.READ}))
    assert abs(claims.issued_at_s - time.time()) < 5
    assert VERIFIER.verify(forged()).caller.id == "a"


def raw_public() -> bytes:
    return KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def hmac_with_the_public_key() -> str:
    """The library refuses to make one, so it is made by hand."""
    import hashlib
    import hmac

    head, body, _ = forged().split(".")
    head = _part({**json.loads(_bytes(head)), "alg": "HS256"})
    mac = hmac.new(raw_public(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def unsigned(alg: str) -> str:
    head, body, signature = forged().split(".")
    head = _part({**json.loads(_bytes(head)), "alg": alg})
    return f"{head}.{body}.{'' if alg.lower() == 'none' else signature}"


def _bytes(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _part(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


NOW_S = int(time.time())
BAD = {
    "nothing": "",
    "no token": "x",
    "too long": "a" * 10_000,
    "alg none": unsigned("none"),
    "alg None": unsigned("None"),
    "another alg": unsigned("RS256"),
    "HMAC with the public key": hmac_with_the_public_key(),
    "somebody else's key": forged(Ed25519PrivateKey.generate()),
    "unknown kid": forged(header={"kid": "0" * 16}),
    "kid of a path": forged(header={"kid": "../../dev/null"}),
    "kid of SQL": forged(header={"kid": "' UNION SELECT 'x"}),
    "a key it brings along": forged(Ed25519PrivateKey.generate(), header={"jwk": {"kty": "OKP"}, "jku": "https://x"}),
    "another type": forged(header={"typ": "JWT"}),
    "refresh as access": forged(header={"typ": "rt+jwt"}),
    "wrong audience": forged(aud="somebody"),
    "no audience": forged(aud=None),
    "wrong issuer": forged(iss="evil.example"),
    "no issuer": forged(iss=None),
    "expired": forged(exp=NOW_S - 60),
    "without an end": forged(exp=None),
    "from the future": forged(iat=NOW_S + 3600),
    "not yet": forged(nbf=NOW_S + 3600),
    "without a subject": forged(sub=None),
    "with an empty subject": forged(sub=""),
    "unknown role": forged(role="root"),
    "unknown scope": forged(scope="everything"),
    "without scopes": forged(scope=None),
}


@pytest.mark.parametrize("token", BAD.values(), ids=BAD.keys())
def test_what_must_not_count_does_not(token: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        VERIFIER.verify(token)
    assert caught.value.reason is Reason.TOKEN_INVALID


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_token_with_one_changed_bit_does_not_count(place: int, bit: int) -> None:
    token = SIGNER.sign("alice", Role.USER)
    head, _, rest = token.partition(".")
    body, _, signature = rest.partition(".")
    parts = [bytearray(_bytes(part)) for part in (head, body, signature)]
    changed = parts[place % 3]
    changed[(place // 3) % len(changed)] ^= 1 << bit
    with pytest.raises(Unauthenticated):
        VERIFIER.verify(".".join(base64.urlsafe_b64encode(bytes(p)).decode().rstrip("=") for p in parts))


@given(text=st.text(max_size=200))
def test_no_text_breaks_the_check(text: str) -> None:
    with pytest.raises(Unauthenticated):
        VERIFIER.verify(text)


def test_keys_are_written_and_read_again(tmp_path: Path) -> None:
    private, public = tmp_path / "key.pem", tmp_path / "key.pub"
    write_key_pair(private, public)
    assert private.stat().st_mode & 0o077 == 0
    with pytest.raises(FileExistsError):
        write_key_pair(private, public)
    signer = TokenSigner(load_signing_key(private), 60)
    former = tmp_path / "both.pub"
    former.write_bytes(raw_public() + public.read_bytes())
    verifier = TokenVerifier(load_public_keys(former))
    assert verifier.verify(signer.sign("a", Role.USER)).caller.id == "a"
    assert verifier.verify(SIGNER.sign("b", Role.USER)).caller.id == "b"


def test_files_that_are_no_keys_are_named(tmp_path: Path) -> None:
    nothing = tmp_path / "missing.pem"
    junk = tmp_path / "junk.pem"
    junk.write_bytes(b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
    for path in (nothing, junk):
        for load in (load_signing_key, load_public_keys):
            with pytest.raises(InvalidInput, match=path.name) as caught:
                load(path)
            assert caught.value.reason is Reason.CONFIG_INVALID
