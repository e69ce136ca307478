"""Sophia's own server over the lab's services, without a face, as no peer has one: prints its address.

python -m benchmarks.peers.sophia_server --tls FOLDER --ports '{"speech": 1, …}' --sessions 5
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json

import uvloop

from benchmarks.wires import settings_for
from pipelines.server.serving import serving
from pipelines.talk.runtime import Runtime


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tls", required=True)
    parser.add_argument("--ports", type=json.loads, required=True)
    parser.add_argument("--sessions", type=int, required=True)
    args = parser.parse_args()
    settings = settings_for(args.ports, args.tls)
    server = settings.server.model_copy(update={"port": 0, "sessions": args.sessions})
    settings = settings.model_copy(
        update={"server": server, "face": settings.face.model_copy(update={"enabled": False})}
    )
    async with Runtime(settings, sessions=args.sessions) as runtime, serving(runtime) as address:
        gc.collect()
        gc.freeze()
        print(address, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
