"""TLS, 1.3 and nothing older, for whoever listens and whoever calls."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from music.errors import InvalidInput, Reason


@dataclass(frozen=True, slots=True)
class Identity:
    """A listener's certificate chain and key, PEM files."""

    certificate: Path
    key: Path

    def read(self) -> tuple[bytes, bytes]:
        """Certificate chain and key. Raises InvalidInput: CONFIG_INVALID."""
        server_context(self)
        return self.certificate.read_bytes(), self.key.read_bytes()


def identity_of(certificate: Path | None, key: Path | None, prefix: str) -> Identity | None:
    """Both files or neither. Raises InvalidInput: CONFIG_INVALID; `prefix` is that of the settings' names."""
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise InvalidInput(Reason.CONFIG_INVALID, f"TLS needs both {prefix}TLS_CERTIFICATE and {prefix}TLS_KEY.")
    return Identity(certificate, key)


def server_context(identity: Identity) -> ssl.SSLContext:
    """Raises InvalidInput: CONFIG_INVALID."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_cert_chain(identity.certificate, identity.key)
    except OSError as error:
        # What does not fit together is an OSError here too.
        raise InvalidInput(
            Reason.CONFIG_INVALID,
            f"{identity.certificate} and {identity.key} are no certificate and its key: {error.strerror or error}.",
        ) from None
    return context


def client_context(authority: Path | None) -> ssl.SSLContext:
    """Trusts `authority`, or else what this machine trusts. Raises InvalidInput: CONFIG_INVALID."""
    try:
        context = ssl.create_default_context(cafile=authority)
    except OSError as error:
        raise InvalidInput(
            Reason.CONFIG_INVALID, f"{authority} is no certificate authority: {error.strerror or error}."
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def authority_pem(authority: Path | None) -> bytes | None:
    """For clients that want the bytes; None for what this machine trusts. Raises InvalidInput: CONFIG_INVALID."""
    if authority is None:
        return None
    client_context(authority)
    return authority.read_bytes()


def no_old_tls_in_grpc() -> None:
    """Have gRPC take no TLS before 1.3; to be called before it is imported in this process.

    It has no setting for that, but one for the ciphers of TLS 1.2. With the one that is left here both sides need a key
    that they share already, which nobody has: no handshake of 1.2 succeeds. The ciphers of 1.3 are others.
    """
    os.environ.setdefault("GRPC_SSL_CIPHER_SUITES", "ECDHE-PSK-CHACHA20-POLY1305")
