"""The local stack as real processes: restarts, ends without leaving anything behind, refuses what cannot work."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import grpc
import psutil
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.support.command import genesis
from tests.support.stack import Stack, is_running, running_stack, wait_until

RESTART_TIMEOUT_S = 30
CHILDREN = ("nats", "orchestrator", "edge")


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack() as running:
        yield running


def is_serving(address: str) -> bool:
    with grpc.insecure_channel(address) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=2)
        except grpc.RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def test_everything_runs_in_processes_of_its_own(stack: Stack) -> None:
    assert set(stack.pids) == {"supervisor", *CHILDREN}
    assert stack.pids["supervisor"] == stack.supervisor.pid
    assert all(is_running(pid) for pid in stack.pids.values())
    assert f"Open {stack.edge_url}" in stack.log()
    wait_until(lambda: is_serving(stack.grpc_address), 10, "the orchestrator does not serve")


@pytest.mark.parametrize("name", CHILDREN)
def test_a_killed_child_comes_back_at_the_same_address(stack: Stack, name: str) -> None:
    before = stack.facts()
    os.kill(before["pids"][name], signal.SIGKILL)

    def is_back() -> bool:
        pid = stack.pids.get(name)
        return pid is not None and pid != before["pids"][name] and is_serving(stack.grpc_address)

    wait_until(is_back, RESTART_TIMEOUT_S, lambda: f"{name} did not come back:\n{stack.log()}")
    after = stack.facts()
    assert {key: after[key] for key in ("edge_url", "grpc_address", "nats_url")} == {
        key: before[key] for key in ("edge_url", "grpc_address", "nats_url")
    }
    assert after["restarts"][name] == before["restarts"][name] + 1


def test_the_idle_stack_is_small(stack: Stack) -> None:
    """The issue's bound: under 600 MB in all."""
    total = sum(psutil.Process(pid).memory_info().rss for pid in stack.pids.values())
    assert total < 600e6, {name: psutil.Process(pid).memory_info().rss for name, pid in stack.pids.items()}


def test_a_second_stack_on_the_same_folder_is_refused(stack: Stack) -> None:
    done = genesis("serve", "--port", "0", "--data-dir", str(stack.data_dir))
    assert (done.status, done.reason) == (1, "ADDRESS_IN_USE")
    assert "--data-dir" in done.stderr


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_asked_to_stop_it_leaves_nothing_behind(number: signal.Signals, status: int) -> None:
    with running_stack() as stack:
        pids = stack.pids
        stack.supervisor.send_signal(number)
        assert stack.supervisor.wait(30) == status
        assert not [name for name, pid in pids.items() if is_running(pid)]
        assert not stack.ready_file.exists()
        assert "killed" not in stack.log()


def test_no_child_outlives_a_killed_supervisor() -> None:
    with running_stack() as stack:
        pids = stack.pids
        stack.supervisor.kill()
        stack.supervisor.wait()
        wait_until(
            lambda: not any(is_running(pid) for pid in pids.values()),
            10,
            lambda: f"still there of {pids}: {stack.log()}",
        )


@pytest.mark.parametrize("option", ["--listen", "--grpc"])
def test_a_busy_port_is_status_4_and_names_the_option(option: str, tmp_path: Path) -> None:
    other = "--grpc" if option == "--listen" else "--listen"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = genesis("serve", option, address, other, "127.0.0.1:0", "--data-dir", str(tmp_path))
    assert (done.status, done.reason) == (4, "ADDRESS_IN_USE")
    assert option in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("--listen", "0.0.0.0:0"),
        ("--grpc", "[::]:0"),
        ("--listen", "example.org:80"),
        ("--listen", "8000"),
        ("--port", "99999"),
        ("--port", "-1"),
    ],
)
def test_an_address_it_may_not_listen_on_is_status_2(arguments: tuple[str, str], tmp_path: Path) -> None:
    done = genesis("serve", *arguments, "--data-dir", str(tmp_path))
    assert done.status == 2, done.stderr
    assert arguments[0] in done.stderr
