"""Every listener with TLS, by a local authority: what speaks 1.3 is served, what speaks 1.2 is not."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import httpx
import pytest
import trustme

from access.tls import client_context, identity_of, server_context
from access.tokens import write_key_pair
from bus.embedded import FREE_PORT, nats_server_command, wait_until_ready, write_nats_config
from bus.permissions import USERS
from music.errors import InvalidInput, Reason
from tests.support.bad_audio import tone_wav
from tests.support.command import genesis
from tests.support.models import built_model_repo  # noqa: F401 - a fixture
from tests.support.stack import running_stack

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("built_model_repo")]

WAIT_S = 60
PASSWORDS = {name: f"{name}-password" for name in USERS}


@dataclass(frozen=True)
class Papers:
    """Files of one authority, and of a certificate for 127.0.0.1."""

    authority: Path
    certificate: Path
    key: Path

    @classmethod
    def issue(cls, folder: Path) -> Papers:
        authority = trustme.CA()
        issued = authority.issue_cert("127.0.0.1")
        papers = cls(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
        authority.cert_pem.write_to_path(papers.authority)
        issued.cert_chain_pems[0].write_to_path(papers.certificate)
        issued.private_key_pem.write_to_path(papers.key)
        return papers

    def told(self, prefix: str) -> dict[str, str]:
        return {
            f"{prefix}TLS_CERTIFICATE": str(self.certificate),
            f"{prefix}TLS_KEY": str(self.key),
            f"{prefix}NATS_CA": str(self.authority),
        }


@asynccontextmanager
async def process(module: str, environment: dict[str, str], port_file: Path) -> AsyncGenerator[str, None]:
    """Address of a process of ours once it says where it listens."""
    command = [sys.executable, "-m", module]
    async with await anyio.open_process(command, env=os.environ | environment, stdout=None, stderr=None) as running:
        try:
            with anyio.fail_after(WAIT_S):
                while not port_file.exists():  # noqa: ASYNC110, ASYNC240 - another process writes it
                    await anyio.sleep(0.05)
            yield port_file.read_text()  # noqa: ASYNC240 - a line
        finally:
            if running.returncode is None:
                running.terminate()


@asynccontextmanager
async def nats(folder: Path, papers: Papers) -> AsyncGenerator[str, None]:
    config, ports = folder / "nats.conf", folder / "ports"
    tls = papers.certificate, papers.key
    write_nats_config(config, store_dir=folder / "store", port=FREE_PORT, ports_dir=ports, users=PASSWORDS, tls=tls)
    async with await anyio.open_process(nats_server_command(config), stdout=None, stderr=None) as running:
        try:
            yield (await wait_until_ready(ports, running.pid)).partition("://")[2]
        finally:
            running.terminate()


async def version_spoken(address: str, papers: Papers, newest: ssl.TLSVersion) -> str | None:
    """What a client that speaks up to `newest` agrees on; None when it is refused."""
    context = ssl.create_default_context(cafile=papers.authority)
    context.maximum_version = newest
    context.set_alpn_protocols(["h2", "http/1.1"])
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(WAIT_S):
            _, writer = await asyncio.open_connection(host, int(port), ssl=context)
    except (ssl.SSLError, OSError):
        return None
    version: str = writer.get_extra_info("ssl_object").version()
    writer.transport.abort()
    return version


async def test_every_listener_speaks_tls_1_3_and_nothing_older(tmp_path: Path) -> None:
    papers = Papers.issue(tmp_path)
    key = tmp_path / "sign.pem"
    write_key_pair(key, tmp_path / "sign.pem.pub")
    async with nats(tmp_path, papers) as bus:
        told = papers.told("GENESIS_ORCHESTRATOR_") | {
            "GENESIS_ORCHESTRATOR_LISTEN": "127.0.0.1:0",
            "GENESIS_ORCHESTRATOR_NATS_URL": f"tls://orchestrator:{PASSWORDS['orchestrator']}@{bus}",
            "GENESIS_ORCHESTRATOR_PORT_FILE": str(tmp_path / "orchestrator.port"),
            "GENESIS_ORCHESTRATOR_PUBLIC_KEY": str(tmp_path / "sign.pem.pub"),
        }
        async with process("orchestrator", told, tmp_path / "orchestrator.port") as grpc_address:
            told = papers.told("GENESIS_EDGE_") | {
                "GENESIS_EDGE_LISTEN": "127.0.0.1:0",
                "GENESIS_EDGE_ORCHESTRATOR": grpc_address,
                "GENESIS_EDGE_ORCHESTRATOR_TLS": "true",
                "GENESIS_EDGE_ORCHESTRATOR_CA": str(papers.authority),
                "GENESIS_EDGE_NATS_URL": f"tls://edge:{PASSWORDS['edge']}@{bus}",
                "GENESIS_EDGE_DATA_DIR": str(tmp_path / "data"),
                "GENESIS_EDGE_PORT_FILE": str(tmp_path / "edge.port"),
                "GENESIS_EDGE_SIGNING_KEY": str(key),
            }
            async with process("web_edge", told, tmp_path / "edge.port") as edge_address:
                for address in (grpc_address, edge_address):
                    assert await version_spoken(address, papers, ssl.TLSVersion.TLSv1_2) is None
                    assert await version_spoken(address, papers, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
                await use(f"https://{edge_address}", papers)


async def use(url: str, papers: Papers) -> None:
    """The edge reaches its neighbours over TLS, and says so to browsers."""
    async with httpx.AsyncClient(base_url=url, verify=client_context(papers.authority), timeout=WAIT_S) as http:
        with anyio.fail_after(WAIT_S):
            while (ready := await http.get("/ready")).status_code != 200:  # noqa: ASYNC110 - behind a socket
                await anyio.sleep(0.1)
        assert "max-age=31536000" in ready.headers["strict-transport-security"]
        assert f"wss://{url.partition('//')[2]}" in ready.headers["content-security-policy"]
        said = await http.post("/auth/register", json={"email": "a@example.com", "password": "a long password"})
        shown = {"authorization": f"Bearer {said.json()['access_token']}"}
        job = await http.post("/api/transcribe", files={"file": ("a.wav", b"RIFF")}, headers=shown)
        assert job.status_code == 202, job.text
        with anyio.fail_after(WAIT_S):
            while True:
                state = (await http.get(job.headers["location"], headers=shown)).json()
                if state["status"] == "failed":
                    break
                await anyio.sleep(0.1)
        # It was heard: what is no audio is told so by the orchestrator.
        assert state["error"]["reason"] == Reason.AUDIO_UNREADABLE


def test_the_local_stack_and_the_command_speak_tls(tmp_path: Path) -> None:
    papers = Papers.issue(tmp_path)
    sound = tmp_path / "a.wav"
    sound.write_bytes(tone_wav())
    options = ("--tls-certificate", papers.certificate, "--tls-key", papers.key, "--tls-ca", papers.authority)
    with running_stack(arguments=tuple(map(str, options))) as stack:
        assert stack.edge_url.startswith("https://")
        said = httpx.get(stack.edge_url + "/ready", verify=client_context(papers.authority))
        assert said.status_code == 200
        at = ("--server", stack.grpc_address)
        heard = genesis("stream", str(sound), "--jsonl", *at, "--ca", str(papers.authority))
        assert heard.status == 0, heard.stderr
        assert '"ended"' in heard.stdout
        done = genesis("transcribe", str(sound), "--json", "-", *at, environment={"GENESIS_CA": str(papers.authority)})
        assert done.status == 0, done.stderr
        page = stack.edge_url.removeprefix("https://")
        looks: dict[tuple[str, ...], str] = {
            ("--ca", str(papers.authority)): f"https://{page} serves",
            (): "is taken by something",
        }
        for papers_shown, web in looks.items():
            looked = genesis("doctor", *at, "--listen", page, *papers_shown, environment={"COLUMNS": "200"})
            assert looked.status == 0, looked.stdout
            assert web in looked.stdout
            assert ("a server answers at" in looked.stdout) is bool(papers_shown)
        # Nobody is talked to who is not who they should be, and nothing goes over the line in the clear.
        for trust in (("--tls",), ()):
            refused = genesis("stream", str(sound), *at, *trust)
            assert (refused.status, refused.reason) == (4, "ORCHESTRATOR_UNAVAILABLE"), trust
    wrong = genesis("stream", str(sound), "--ca", str(tmp_path / "none.pem"))
    assert (wrong.status, wrong.reason) == (2, "CONFIG_INVALID")
    half = genesis("serve", "--tls-key", str(papers.key), "--data-dir", str(tmp_path / "data"))
    assert (half.status, half.reason) == (2, "CONFIG_INVALID")


def test_files_that_are_no_papers_are_named(tmp_path: Path) -> None:
    papers, other = Papers.issue(tmp_path), tmp_path / "other"
    other.mkdir()
    strange = Papers.issue(other)
    assert identity_of(None, None, "X_") is None
    for certificate, key in ((papers.certificate, None), (None, papers.key)):
        with pytest.raises(InvalidInput, match="X_TLS_CERTIFICATE and X_TLS_KEY"):
            identity_of(certificate, key, "X_")
    for certificate, key in ((papers.certificate, strange.key), (tmp_path / "no.pem", papers.key)):
        identity = identity_of(certificate, key, "X_")
        assert identity is not None
        with pytest.raises(InvalidInput, match="no certificate and its key"):
            server_context(identity)
    with pytest.raises(InvalidInput, match="no certificate authority"):
        client_context(tmp_path / "no.pem")
