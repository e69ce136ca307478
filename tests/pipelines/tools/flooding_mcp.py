"""A server of MCP, by hand, that sends without an end once its tools are listed: ``messages`` or ``errors``."""

from __future__ import annotations

import json
import os
import sys
import threading

NOISE = {
    "messages": (
        1,
        b'{"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x"}}\n',
    ),
    "errors": (2, b"something is wrong\n"),
}


def flood(kind: str) -> None:
    output, line = NOISE[kind]
    while True:
        os.write(output, line * 200)


def main(kind: str) -> None:
    about = {
        "protocolVersion": "2025-06-18",
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "x", "version": "1"},
    }
    answers = {
        "initialize": about,
        "tools/list": {"tools": [{"name": "nothing", "inputSchema": {"type": "object"}}]},
        "tools/call": {"content": [{"type": "text", "text": "nothing was done"}]},
    }
    for line in sys.stdin:
        asked = json.loads(line)
        if "id" not in asked:
            continue
        known = answers.get(asked["method"])
        told = {"result": known} if known else {"error": {"code": -32601, "message": "unknown"}}
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], **told}), flush=True)
        if asked["method"] == "tools/list":
            threading.Thread(target=flood, args=(kind,), daemon=True).start()


if __name__ == "__main__":
    main(sys.argv[1])
