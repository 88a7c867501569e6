"""TLS of the local stack: the page's and gRPC's listeners have one certificate; the bus stays on loopback."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from access.tls import Identity, client_context
from genesis.exits import UsageError
from music.errors import InvalidInput, Reason


@dataclass(frozen=True, slots=True)
class StackTls:
    """`authority` is None when this machine trusts whoever signed the certificate, which is for `name`."""

    certificate: Path
    key: Path
    authority: Path | None
    name: str

    @classmethod
    def of(cls, certificate: Path | None, key: Path | None, authority: Path | None) -> StackTls | None:
        """None without files. Raises UsageError: CONFIG_INVALID."""
        if certificate is None and key is None:
            return None
        if certificate is None or key is None:
            raise UsageError(Reason.CONFIG_INVALID, "TLS needs both --tls-certificate and --tls-key.")
        try:
            Identity(certificate, key).read()
            client_context(authority)
        except InvalidInput as error:
            raise UsageError(error.reason, error.message) from None
        told = None if authority is None else authority.resolve()
        return cls(certificate.resolve(), key.resolve(), told, _name_in(certificate))

    def context(self) -> ssl.SSLContext:
        """For a look at whether a listener answers."""
        return client_context(self.authority)

    def of_orchestrator(self) -> dict[str, str]:
        return self._listener("GENESIS_ORCHESTRATOR_")

    def of_edge(self) -> dict[str, str]:
        """Its own listener, and how it reaches the orchestrator's: by an address, whatever name the certificate has."""
        told = {"GENESIS_EDGE_ORCHESTRATOR_TLS": "true", "GENESIS_EDGE_ORCHESTRATOR_NAME": self.name}
        if self.authority is not None:
            told["GENESIS_EDGE_ORCHESTRATOR_CA"] = str(self.authority)
        return self._listener("GENESIS_EDGE_") | told

    def _listener(self, prefix: str) -> dict[str, str]:
        return {f"{prefix}TLS_CERTIFICATE": str(self.certificate), f"{prefix}TLS_KEY": str(self.key)}


def _name_in(certificate: Path) -> str:
    """A name or address that a certificate is for. Raises UsageError: CONFIG_INVALID."""
    from cryptography import x509

    try:
        parsed = x509.load_pem_x509_certificate(certificate.read_bytes())
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        names = None
    for kind in (x509.DNSName, x509.IPAddress):
        for name in [] if names is None else names.get_values_for_type(kind):
            return str(name).replace("*", "stack", 1)
    raise UsageError(Reason.CONFIG_INVALID, f"{certificate} names no host that it is for (subjectAltName).")
