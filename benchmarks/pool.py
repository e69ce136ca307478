"""What a pool of session servers loses when one is killed, drained or added, and when a machine or Ray's head is lost.

Three network namespaces are three machines: a hub with Ray's head, the lease endpoint, the simulated services and the
clients, and two that hold nothing but a Ray node and session servers. Half of the clients speak and half write, without
a break. They go on at another server when theirs is gone (``sophia.resume``). It is told, for each thing that is done,
who lost what, and how soon everybody talked again.

    python -m benchmarks.pool                   needs root, iproute2 and the extra ray; about eight minutes
    python -m benchmarks.pool --json pool.json

It ends with 1 where somebody was disturbed whose server was well, or somebody lost more than the sentence that sounded.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.pool_clients import Crowd
from benchmarks.processes import command_line
from pipelines.certs import HOSTS, make_development_pki
from pipelines.machine.environment import environment

HUB, MACHINES = "sophia-hub", ("sophia-one", "sophia-two")
NET = "10.98.0."
RAY_PORT, LEASE_PORT = 6399, 8700

RAY_WAYS = {
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "3",
    "RAY_gcs_rpc_server_reconnect_timeout_s": "86400",
    "RAY_kill_child_processes_on_worker_exit": "0",
}
"""As docs/scale.md advises. With Ray's own 3 s, 10 s and 5 a machine without power is missed after more than a minute,
and a minute after its head was lost Ray ends its nodes, and with them all servers."""

RAY = str(Path(sys.executable).parent / "ray")
USUAL = ("--object-store-memory=100000000", "--disable-usage-stats")

SERVERS, PLACES, CLIENTS = 4, 4, 8
QUIET_SECONDS = 15.0
"""Before anything is done, and after each thing that is done and its effects."""

HEADLESS_SECONDS = 90.0
"""Longer than the minute for which Ray by itself would wait for its head."""

AGAIN_SECONDS = 120.0
"""Longest wait for everything to be well again."""


def address(machine: str) -> str:
    """The address of a namespace."""
    return f"{NET}{(HUB, *MACHINES).index(machine) + 1}"


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def pids(machine: str) -> list[int]:
    """All processes of a namespace."""
    done = subprocess.run(["ip", "netns", "pids", machine], capture_output=True, text=True, check=False)
    return [int(word) for word in done.stdout.split()]


def lose_power(machine: str) -> None:
    """Cuts the cable, then ends all processes: so nobody is told, as when a machine loses its power."""
    ip("-n", machine, "link", "set", "eth0", "down")
    kill_all(machine)


def kill_all(machine: str) -> None:
    """Ends all processes of a namespace."""
    for pid in pids(machine):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def lose_head() -> None:
    """Ends all that Ray runs on the hub, as when its head's machine is lost."""
    for pid in pids(HUB):
        if "/ray/" in (words := command_line(pid)) or "-m ray." in words:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


async def new_head(folder: Path) -> None:
    """Starts a head at the old one's address. To Ray's eyes no other machine's processes are on this one."""
    alone = ("unshare", "--pid", "--fork", "--mount-proc")
    await start(HUB, folder, *alone, RAY, "start", *head_options(folder, "ray2"), "--block")


def there() -> set[str]:
    """Our namespaces that there are."""
    done = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False)
    return {line.split()[0] for line in done.stdout.splitlines()} & {HUB, *MACHINES}


async def down() -> None:
    """Ends whatever runs in our namespaces, also of a run before, and removes them."""
    async with asyncio.timeout(30):
        while machines := await asyncio.to_thread(there):
            for machine in machines:
                kill_all(machine)
                await (await asyncio.create_subprocess_exec("ip", "netns", "del", machine)).wait()


@asynccontextmanager
async def network() -> AsyncIterator[None]:
    """Three namespaces and the cables between them."""
    await down()
    try:
        for machine in (HUB, *MACHINES):
            ip("netns", "add", machine)
            ip("-n", machine, "link", "set", "lo", "up")
        ip("-n", HUB, "link", "add", "bridge", "type", "bridge")
        ip("-n", HUB, "addr", "add", f"{address(HUB)}/24", "dev", "bridge")
        ip("-n", HUB, "link", "set", "bridge", "up")
        for number, machine in enumerate(MACHINES):
            ip("link", "add", f"port{number}", "netns", HUB, "type", "veth", "peer", "name", "eth0", "netns", machine)
            ip("-n", HUB, "link", "set", f"port{number}", "master", "bridge", "up")
            ip("-n", machine, "addr", "add", f"{address(machine)}/24", "dev", "eth0")
            ip("-n", machine, "link", "set", "eth0", "up")
        yield
    finally:
        await down()


async def start(machine: str, folder: Path, *command: str, **more: str) -> asyncio.subprocess.Process:
    """A program on a machine, with a home of its own there; what it says goes into a file."""
    variables = os.environ | {
        "SOPHIA_HOME": str(folder / machine),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": (folder / "ray_token").read_text(),
        "RAY_USAGE_STATS_ENABLED": "0",
        **RAY_WAYS,
        **more,
    }
    log = (folder / f"{machine}.log").open("ab")
    pipe = asyncio.subprocess.PIPE
    words = ("ip", "netns", "exec", machine, *command)
    return await asyncio.create_subprocess_exec(*words, env=variables, stdin=pipe, stdout=pipe, stderr=log)


async def line(process: asyncio.subprocess.Process, beginning: str) -> str:
    """The next line of a program that begins so."""
    assert process.stdout
    async with asyncio.timeout(AGAIN_SECONDS):
        while text := (await process.stdout.readline()).decode():
            if text.startswith(beginning):
                return text
    raise RuntimeError(f"a program ended without “{beginning}”")


async def prepare(folder: Path) -> Path:
    """Key, certificates and the services; the configuration of the servers is the result."""
    make_development_pki(folder / "tls", (*HOSTS, *(address(machine) for machine in (HUB, *MACHINES))))
    (folder / "key").write_text(secrets.token_hex(16))
    (folder / "ray_token").write_text(secrets.token_hex(16))
    for machine in (HUB, *MACHINES):
        (folder / machine).mkdir()
    lab = await start(
        HUB, folder, sys.executable, "-m", "benchmarks.lab", "--tls", f"{folder}/tls", "--host", address(HUB)
    )
    ports = json.loads(await line(lab, "{"))

    def at(place: str) -> dict[str, Any]:
        tls = {"ca": f"{folder}/tls/ca.crt"}
        return {"endpoint": {"target": f"{address(HUB)}:{ports[place]}", "tls": tls, "connect_seconds": 20}}

    settings = {"asr": at("speech"), "tts": at("speech"), "llm": at("llm"), "face": at("face")}
    settings["server"] = {
        "cert": f"{folder}/tls/server.crt",
        "key": f"{folder}/tls/server.key",
        "api_key_file": f"{folder}/key",
        "sessions": PLACES,
        "drain_seconds": 300,
    }
    (folder / "pool.yaml").write_text(json.dumps({"embedded": False, **settings}))
    return folder / "pool.yaml"


def head_options(folder: Path, name: str) -> list[str]:
    """Of a head on the hub; it has no processor to give."""
    where = [f"--node-ip-address={address(HUB)}", f"--port={RAY_PORT}", f"--temp-dir={folder}/{name}"]
    return ["--head", "--num-cpus=0", "--include-dashboard=false", *where, *USUAL]


async def cluster(folder: Path) -> None:
    """Ray's head on the hub, and a node on each machine."""
    for machine in (HUB, *MACHINES):
        options = head_options(folder, "ray") if machine == HUB else [f"--address={address(HUB)}:{RAY_PORT}"]
        if machine != HUB:
            options += [f"--node-ip-address={address(machine)}", f"--num-cpus={SERVERS + 2}", *USUAL]
        process = await start(machine, folder, RAY, "start", *options)
        assert process.stdout
        said = await process.stdout.read()
        if await process.wait():
            log = (folder / f"{machine}.log").read_text()
            raise RuntimeError(f"ray does not start on {machine}: {said.decode()} {log[-3000:]}")


async def dispatcher(folder: Path, config: Path) -> asyncio.subprocess.Process:
    """The lease endpoint."""
    words = ["--servers", str(SERVERS), "--ray", f"{address(HUB)}:{RAY_PORT}", "--config", str(config)]
    words += ["--host", address(HUB), "--port", str(LEASE_PORT), "--ca", f"{folder}/tls/ca.crt"]
    process = await start(HUB, folder, sys.executable, "-m", "pipelines.scale", *words)
    await line(process, "Leases: ")
    return process


async def _shown(process: asyncio.subprocess.Process) -> None:
    """Shows what a program says, with the time."""
    assert process.stdout
    loop = asyncio.get_running_loop()
    began = loop.time()
    while said := (await process.stdout.readline()).decode():
        print(f"{loop.time() - began:6.1f} s  {said}", end="", file=sys.stderr, flush=True)


async def measure(folder: Path) -> dict[str, Any]:
    """All of it; the clients are a program of their own on the hub, which does to the pool what it is to bear."""
    async with network():
        config = await prepare(folder)
        await cluster(folder)
        showing = asyncio.create_task(_shown(await dispatcher(folder, config)))
        clients = await start(HUB, folder, sys.executable, "-m", "benchmarks.pool", "--inside", str(folder))
        assert clients.stdout
        found: dict[str, Any] | None = None
        while said := (await clients.stdout.readline()).decode():
            if said.startswith("{"):
                found = json.loads(said)
                break  # the head that came last holds the pipe open
            print(said, end="", file=sys.stderr, flush=True)
        if await clients.wait() or found is None:
            raise RuntimeError(f"the clients failed: {(folder / f'{HUB}.log').read_text()[-3000:]}")
    await showing  # it ended with the network
    return found


async def kill_a_server(crowd: Crowd, what: str, servers: int) -> dict[str, Any]:
    """Ends the server with the most clients; so many are there before and after."""
    victim = max((await crowd.told())["data"], key=lambda one: one["talking"] or 0)
    return await crowd.part(
        what,
        QUIET_SECONDS,
        lambda: os.kill(victim["pid"], signal.SIGKILL),
        victims={victim["url"]},
        servers=servers,
    )


async def inside(folder: Path) -> dict[str, Any]:
    """What the clients see."""
    base = f"https://{address(HUB)}:{LEASE_PORT}"
    async with Crowd(base, (folder / "key").read_text(), folder / "tls/ca.crt") as crowd:
        await crowd.until(lambda told: told["free"] == SERVERS * PLACES, AGAIN_SECONDS)
        burst = await crowd.burst(SERVERS * PLACES + 3)
        await crowd.until(
            lambda told: told["free"] == SERVERS * PLACES, AGAIN_SECONDS
        )  # nobody came: all are free again
        await crowd.begin(CLIENTS)
        rows = [await crowd.part("nothing is done", QUIET_SECONDS)]

        rows.append(await kill_a_server(crowd, "a server is killed", SERVERS))
        more = crowd.count(SERVERS + 1)
        rows.append(await crowd.part("a server is added", QUIET_SECONDS, more, servers=SERVERS + 1))

        leaving = max((await crowd.told())["data"], key=lambda one: one["talking"] or 0)
        going = crowd.drain(leaving["name"])
        rows.append(await crowd.part("a server is told to drain", QUIET_SECONDS, going, servers=SERVERS + 2))
        rows.append(
            await crowd.part(
                "its clients hang up, and it ends",
                QUIET_SECONDS,
                lambda: crowd.hang_up(leaving["url"]),
                servers=SERVERS + 1,
            )
        )
        told = await crowd.told()
        homes = {m: [one for one in told["data"] if f"//{address(m)}:" in one["url"]] for m in MACHINES}
        dead = max(MACHINES, key=lambda m: sum(one["talking"] for one in homes[m]))
        gone = {one["url"] for one in homes[dead]}
        rows.append(
            await crowd.part(
                "a machine loses its power",
                QUIET_SECONDS,
                lambda: lose_power(dead),
                victims=gone,
                servers=SERVERS + 1,
            )
        )
        rows.append(await crowd.part("Ray's head is lost", HEADLESS_SECONDS, lose_head))
        rows.append(await kill_a_server(crowd, "a server is killed meanwhile", SERVERS + 1))
        rows.append(await crowd.part("a new head comes, which knows nothing", HEADLESS_SECONDS, new_head(folder)))
        return {"burst": burst, "parts": rows}


def table(found: dict[str, Any]) -> str:
    """The rows for people, as Markdown."""
    burst = found["burst"]
    lines = [
        f"{burst['asked']} clients ask at once where {SERVERS * PLACES} places are: {burst['leased']} leases, "
        f"{burst['refused']} times 503; median {burst['p50_ms']} ms.",
        "",
        "| | servers well after | clients that lost theirs | talk again after (s) "
        "| items kept, lost but the one that sounded | others disturbed | turns, spoken ones "
        "| first sound after writing, after speech, p50 (ms) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in found["parts"]:
        again = ", ".join(f"{seconds:.1f}" for seconds in row["again_s"]) or "–"
        well = f"{row['well_s']:.1f} s" if row["well_s"] is not None else "–"
        lines.append(
            f"| {row['what']} | {well} | {row['lost']} | {again} | {row['items_kept']}, {row['items_lost']} "
            f"| {row['disturbed']} | {row['turns']}, {row['spoken']} "
            f"| {row['first_ms']['written']['p50']}, {row['first_ms']['spoken']['p50']} |"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.inside:
        print(json.dumps(uvloop.run(inside(args.inside))), flush=True)
        return 0
    if os.geteuid() or shutil.which("ip") is None or not Path(RAY).exists():
        print("Needs root, iproute2, and Ray: .venv/bin/python -m pip install -e '.[ray]'", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="pool", ignore_cleanup_errors=True) as folder:
        found = uvloop.run(measure(Path(folder)))
    found = {"machine": environment() | {"services": "simulated"}, **found}
    print(table(found))
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    whole = all(row["items_kept"] or not row["lost"] for row in found["parts"])
    return int(not whole or any(row["disturbed"] or row["items_lost"] for row in found["parts"]))


if __name__ == "__main__":
    sys.exit(main())
