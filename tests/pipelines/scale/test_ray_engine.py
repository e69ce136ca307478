"""Ray as the engine: a dispatcher that dies leaves servers and conversations alone, and the next one finds them."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pooled import KEY
from scaled import HEADERS, scaled

from pipelines.certs import HOSTS, make_development_pki
from pipelines.scale.__main__ import main

ray = pytest.importorskip("ray", reason="Ray is not installed (extra ray)")

pytestmark = [pytest.mark.services, pytest.mark.timeout(400)]

HERE = ray.util.get_node_ip_address()
"""Ray takes loopback for no address of a machine."""


@asynccontextmanager
async def cluster():
    """A Ray cluster of this machine: its address."""
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:  # short: sockets lie in it
        with socket.create_server((HERE, 0)) as taken:
            port = taken.getsockname()[1]
        options = ["--head", "--block", f"--node-ip-address={HERE}", f"--port={port}"]
        options += ["--num-cpus=4", "--include-dashboard=false", "--object-store-memory=100000000"]
        environment = os.environ | {"RAY_USAGE_STATS_ENABLED": "0"}
        head = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).parent / "ray"), "start", *options, f"--temp-dir={folder}",
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield f"{HERE}:{port}"
        finally:
            head.terminate()
            async with asyncio.timeout(60):
                await head.wait()


async def test_servers_outlive_the_dispatcher_and_the_next_one_finds_them(tmp_path, pki):
    tls = tmp_path / "tls"
    make_development_pki(tls, (*HOSTS, HERE))
    async with cluster() as address:
        options = ("--servers", "2", "--ray", address)
        async with scaled(tmp_path, pki, *options, places=1, tls=tls) as it:
            told = await it.until(lambda told: told["free"] == 2)
            url, talk = await it.comes()
            (victim,) = [one for one in told["data"] if not url.startswith(f"ws{one['url'].removeprefix('http')}")]
            os.kill(victim["pid"], signal.SIGKILL)
            await it.until(lambda told: told["free"] == 0)
            again = await it.until(lambda told: told["free"] == 1)
            assert sorted(one["starts"] for one in again["data"]) == [1, 2]
            assert await talk.ask() == "completed"

            it.program.process.kill()
            await it.program.ended()
            assert await talk.ask() == "completed", "nobody asks the dispatcher for a frame"
            async with scaled(tmp_path, pki, *options, places=1, tls=tls) as after:
                assert (await after.lease())[0] == 503, "what was promised before is not known, and waited for"
                found = await after.until(lambda told: len([one for one in told["data"] if one["url"]]) == 2)
                assert {one["url"] for one in found["data"]} == {one["url"] for one in again["data"]}
                async with after.client.put(f"{after.url}v1/servers", json={"count": 1}, headers=HEADERS) as answer:
                    assert answer.status == 200
                left = await after.until(lambda told: len(told["data"]) == 1)
                assert url.startswith(f"ws{left['data'][0]['url'].removeprefix('http')}"), "the emptiest is ended"
                assert await talk.ask() == "completed"
                await talk.socket.close()


def test_where_there_is_no_cluster_it_says_so_at_once(tmp_path, capsys):
    (tmp_path / "key").write_text(KEY)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    assert main(["--ray", address, "--set", f"server.api_key_file={tmp_path / 'key'}"]) == 2
    assert (
        capsys.readouterr().err
        == f"--ray {address}: there is no cluster (Connection refused). Start one: ray start --head\n"
    )
