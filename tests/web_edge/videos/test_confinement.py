"""What a bound process cannot do, tried in one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from web_edge.videos.confinement import is_public

_BOUND = """
import os, socket, subprocess, sys
from pathlib import Path
from web_edge.videos.confinement import Bounds, NotAllowed, confine
folder = Path(sys.argv[1])
confine(Bounds(["example.com"], [], folder, 1 << 30, 1 << 20, 10))
try:
    {attempt}
except NotAllowed as error:
    print("refused:", error)
"""


def tried(attempt: str, folder: Path) -> str:
    command = [sys.executable, "-c", _BOUND.format(attempt=attempt), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('127.0.0.1', 80))",
        "socket.getaddrinfo('localhost', 80)",
        "socket.getaddrinfo('evil-example.com', 80)",
        "socket.getaddrinfo('example.com.evil.net', 80)",
        "socket.getaddrinfo(None, 80)",
        "socket.gethostbyname('example.com')",
        "socket.socket().connect(('127.0.0.1', 80))",
        "socket.socket().connect_ex(('169.254.169.254', 80))",
        "socket.socket().connect(('localhost', 80))",
        "socket.socket().connect(('8.8.8.8', 22))",
        "socket.socket(socket.AF_UNIX).connect('/run/x')",
        "subprocess.run(['true'])",
        "os.system('true')",
        "os.execv('/bin/true', ['true'])",
        "os.fork()",
        "open('/tmp/genesis-outside', 'w')",
        "open(folder / '..' / 'outside', 'w')",
        "os.open('/tmp/genesis-outside', os.O_CREAT | os.O_WRONLY)",
    ],
)
def test_it_is_refused(attempt: str, tmp_path: Path) -> None:
    assert tried(attempt, tmp_path).startswith("refused:")


def test_its_own_folder_and_reading_are_left_to_it(tmp_path: Path) -> None:
    assert (
        tried("print((folder / 'a').write_text('x'), len(Path(os.__file__).read_text()) > 100)", tmp_path) == "1 True\n"
    )


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.1",
            "172.16.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
        ),
        *("::1", "::", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "ff02::1"),
        *("2002:7f00:1::", "localhost", "", "127.1"),
    ],
)
def test_other_addresses(address: str) -> None:
    assert not is_public(address)
