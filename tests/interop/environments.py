"""Makes the environments of real clients and of servers of MCP: ``python tests/interop/environments.py [NAME …]``.

They stay in the home folder, under ``interop``. A client whose environment is missing is not tested.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from pipelines.home import home

CLIENTS_FOLDER = Path(__file__).parent / "clients"


@dataclass(frozen=True)
class Client:
    """A client, unmodified: the script that drives it, and what it needs from PyPI or the npm registry.

    A server of MCP has no script: ``program`` of its package is run.
    """

    script: str = ""
    python: tuple[str, ...] = ()
    node: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()
    """Python packages without what they depend on, most of which their client does not use."""
    sample: tuple[str, ...] = ()
    """A git repository and its commit, cloned into ``sample``."""
    browser: bool = False
    """It runs in Chromium, and calls over WebRTC."""
    program: str = ""

    @property
    def needs(self) -> list[str]:
        """All that makes the environment what it is."""
        return [*self.python, *self.node, *self.bare, *self.sample]

    def folder(self, name: str) -> Path:
        """Where its environment is."""
        return home() / "interop" / name

    def command(self, name: str) -> list[str] | None:
        """How its script is run; None where the environment is missing, or is of other versions."""
        folder, script = self.folder(name), CLIENTS_FOLDER / self.script
        if not self.needs:
            return [sys.executable, str(script)]
        try:
            made = json.loads((folder / "made.json").read_text())
        except (OSError, ValueError):
            return None
        if made != self.needs:
            return None
        if self.program:
            return [str(folder / ("bin" if self.python else "node_modules/.bin") / self.program)]
        if self.python:
            return [str(folder / "bin/python"), str(script)]
        for file in CLIENTS_FOLDER.glob("*.mjs"):  # node looks for packages beside the script
            (folder / file.name).unlink(missing_ok=True)
            (folder / file.name).symlink_to(file)
        return ["node", "--preserve-symlinks", "--preserve-symlinks-main", str(folder / script.name)]


CLIENTS = {
    "openai-python": Client("openai_python.py"),  # its package is one of ours: its types judge every event
    "openai-agents-python": Client("agents_python.py", python=("openai-agents==0.24.0",)),
    "openai-node": Client("openai_node.mjs", node=("openai@7.59.0", "ws@8")),
    "agents-js": Client("agents_js.mjs", node=("@openai/agents@0.20.0", "zod@4")),
    "agents-js-webrtc": Client(
        "agents_js_webrtc.mjs", node=("@openai/agents@0.20.0", "zod@4", "playwright-core@1.65.1"), browser=True
    ),
    "pipecat": Client("pipecat_service.py", python=("pipecat-ai[openai,websocket]==1.14.0",)),
    "livekit": Client("livekit_model.py", python=("livekit-agents==1.8.9", "livekit-plugins-openai==1.8.9")),
    "s2s-talk": Client(
        "s2s_talk.py",
        python=("openai[realtime]==2.28.0", "jsonschema", "rich", "numpy"),
        bare=("speech-to-speech==1.1.0",),
    ),
    "twilio": Client(
        "twilio_call.py",
        python=("fastapi==0.116.1", "uvicorn==0.35.0", "websockets==15.0.1", "twilio==9.7.2", "python-dotenv==1.1.1"),
        sample=(
            "https://github.com/twilio-samples/speech-assistant-openai-realtime-api-python.git",
            "d70e2511115ed0491f05d562f39f90b424858a8b",
        ),
    ),
}

SERVERS = {
    "mcp-everything": Client(
        node=("@modelcontextprotocol/server-everything@2026.8.31",), program="mcp-server-everything"
    ),
    "mcp-filesystem": Client(
        node=("@modelcontextprotocol/server-filesystem@2026.8.31",), program="mcp-server-filesystem"
    ),
    "mcp-memory": Client(node=("@modelcontextprotocol/server-memory@2026.8.31",), program="mcp-server-memory"),
    "mcp-fetch": Client(python=("mcp-server-fetch==2026.10.24",), program="mcp-server-fetch"),
}
"""Reference servers of MCP."""


def make(name: str) -> None:
    """Makes a client's environment anew. Raises ``CalledProcessError`` and ``OSError``."""
    client = {**CLIENTS, **SERVERS}[name]
    folder = client.folder(name)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if client.python:
        venv.create(folder, with_pip=True)
        install = [folder / "bin/python", "-m", "pip", "install", "-qq"]
        subprocess.run([*install, *client.python], check=True)
        if client.bare:
            subprocess.run([*install, "--no-deps", *client.bare], check=True)
    else:
        (folder / "package.json").write_text("{}")
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent", *client.node], cwd=folder, check=True)
    if client.sample:
        address, commit = client.sample
        subprocess.run(["git", "clone", "-q", address, folder / "sample"], check=True)
        subprocess.run(["git", "-C", folder / "sample", "checkout", "-q", commit], check=True)
    (folder / "made.json").write_text(json.dumps(client.needs))


def main(names: list[str]) -> int:
    """Makes what is missing."""
    failed, known = 0, {**CLIENTS, **SERVERS}
    for name in names or list(known):
        if name not in known:
            print(f"There is no client {name}; there are: {', '.join(known)}.", file=sys.stderr)
            return 2
        if known[name].command(name):
            continue
        print(f"  Making the environment of {name} …", flush=True)
        try:
            make(name)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"  {name} cannot be had here: {error}", file=sys.stderr)
            failed = 1
    return failed


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
