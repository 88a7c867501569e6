"""What a stack that does nothing takes: memory and processor time. `python -m bench idle`."""

from __future__ import annotations

import asyncio
import time

from bench._processes import Memory, UsageMeter, load_of_the_machine, memory_of
from bench._recordings import demo
from bench._report import print_json, print_table
from bench.latency_client import material_of, play
from tests.support.stack import Stack, running_stack

LIMIT_MIB = 600.0
SETTLE_S, SETTLED_MIB, LOOK_S = 20.0, 1.0, 2.0
WATCH_S = 15.0
SESSION_S = 6.0


def main() -> None:
    """Print the table and the JSON line."""
    print(load_of_the_machine(), flush=True)
    with running_stack() as stack:
        fresh = settled(stack)
        meter = UsageMeter(stack.pids)
        time.sleep(WATCH_S)
        usage = meter.stop()
        socket_url = stack.edge_url.replace("http", "ws", 1).rstrip("/") + "/ws"
        (caller,) = asyncio.run(play(stack.grpc_address, socket_url, [material_of(demo(), SESSION_S)], 0.0))
        failure = caller.played().failure
        used = settled(stack)
    cpu = {name: cpu_s / usage.wall_s for name, cpu_s in usage.cpu_s.items()}
    rows: list[list[object]] = []
    for name in fresh:
        sizes = (fresh[name].pss, fresh[name].rss, used[name].pss, used[name].rss)
        rows.append([name, *(f"{size:.0f}" for size in sizes), f"{100 * cpu[name]:.2f}"])
    pss, used_pss = (sum(memory.pss for memory in looked.values()) for looked in (fresh, used))
    rss, used_rss = (sum(memory.rss for memory in looked.values()) for looked in (fresh, used))
    sums = (pss, rss, used_pss, used_rss)
    rows.append(["sum", *(f"{size:.0f}" for size in sums), f"{100 * sum(cpu.values()):.2f}"])
    header = ["process", "PSS MiB", "RSS MiB", "PSS after a session", "RSS after a session", "idle, % of a core"]
    print_table(header, rows)
    if failure:
        print(f"the session failed: {failure}")
    print(f"the larger sum of PSS is {max(pss, used_pss) / LIMIT_MIB:.2f} of the {LIMIT_MIB:.0f} MB that may be taken")
    print_json(
        "idle",
        pss_mib={name: memory.pss for name, memory in fresh.items()},
        pss_sum_mib=pss,
        rss_sum_mib=rss,
        pss_after_session_mib=used_pss,
        rss_after_session_mib=used_rss,
        idle_cores=sum(cpu.values()),
        limit_mib=LIMIT_MIB,
        others_cores=usage.others_cores,
    )


def settled(stack: Stack) -> dict[str, Memory]:
    """Memory once two looks in a row agree within a MiB, or after twenty seconds as it is."""
    deadline = time.monotonic() + SETTLE_S
    before = memory_of(stack.pids)
    while True:
        time.sleep(LOOK_S)
        after = memory_of(stack.pids)
        moved = abs(sum(m.pss for m in after.values()) - sum(m.pss for m in before.values()))
        if moved < SETTLED_MIB or time.monotonic() > deadline:
            return after
        before = after


if __name__ == "__main__":
    main()
