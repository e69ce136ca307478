"""One tritonserver process: its command line, its start with the true reason of a failure, its end with nothing left.

The reason for each flag stands beside it. The supervisor restarts the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import DEVNULL, Process
from dataclasses import dataclass
from pathlib import Path

from pipelines.embedded.child import ChildOptions
from pipelines.embedded.triton import http
from pipelines.embedded.triton.environment import Environment

START_SHARE = 0.5
"""Of the time that a start may take, how much tritonserver may use: it takes half a second, and a missing library makes
it hang for ever. The rest is for serving without it."""

SHM = Path("/dev/shm")
PREFIX = "sophianova"
FOLDER = "sophia-triton-"

_CANARY = json.dumps(
    {"text_input": "Hello.", "exclude_input_in_output": True, "sampling_parameters": json.dumps({"max_tokens": 1})}
).encode()

# Sets the parent-death signal, then becomes the server: no Python of ours runs between fork and exec, which a process
# that uses gRPC must not do. SIGKILL, because a polite stop hangs now and then and nobody would be left to insist.
_EXEC = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9)\n"
    "if os.getppid() != int(sys.argv[1]): sys.exit(1)\n"
    "os.execv(sys.argv[2], sys.argv[2:])"
)


class StartFailed(RuntimeError):
    """The server did not come up; the message says why. ``again`` says that a second try makes sense."""

    def __init__(self, reason: str, *, again: bool = False) -> None:
        super().__init__(reason)
        self.again = again


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the server listens. Only gRPC has TLS in Triton; the others are for loopback."""

    grpc: int
    http: int
    metrics: int

    @staticmethod
    def free(host: str, grpc: int = 0) -> Ports:
        """Ports that are free now; ``grpc`` is kept if it is given."""
        with contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(socket.socket()) for _ in range(3)]
            sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sockets[0].bind((host, grpc))
            for other in sockets[1:]:
                other.bind(("127.0.0.1", 0))
            return Ports(*(s.getsockname()[1] for s in sockets))


class Server:
    """A tritonserver that serves one model of ``models`` on fixed ports; it can be started again after a death."""

    def __init__(self, environment: Environment, models: Path, model: str, options: ChildOptions, ports: Ports) -> None:
        self.environment, self.options, self.ports, self.model = environment, options, ports, model
        self.folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-"))
        self.log = self.folder / "server.log"
        self.process: Process | None = None
        self.stub: int | None = None
        self._shm = f"{PREFIX}{os.getpid()}x{ports.grpc}_"
        backend = self.folder / "backends" / "python"
        backend.mkdir(parents=True)
        for file in environment.files():
            (backend / file.name).symlink_to(file)
        repository = self.folder / "models"
        repository.mkdir()
        (repository / model).symlink_to((models / model).resolve())  # the other models need a GPU

    async def start(self) -> None:
        """Starts and waits until the model is warm; raises :class:`StartFailed`."""
        sweep()
        with self.log.open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", "-c", _EXEC, str(os.getpid()), *self._command(),
                stdin=DEVNULL, stdout=log, stderr=log, env=self._variables(), start_new_session=True,
            )  # fmt: skip
        limit = START_SHARE * self.options.start_seconds
        try:
            async with asyncio.timeout(limit):
                while not await self._ready():
                    if self.process.returncode is not None:
                        self._clear()
                        raise StartFailed(self.reason(), again=self._transient())
                    await asyncio.sleep(0.02)
        except TimeoutError:
            await self.stop()
            raise StartFailed(f"not ready after {limit:g} s: {self.reason()}") from None
        self.stub = _child_of(self.process.pid)

    async def canary(self, timeout: float) -> None:
        """Has the model generate a token; raises ``OSError`` or ``TimeoutError`` if it cannot.

        Readiness does not tell: a server whose model process died goes on saying that it is ready.
        """
        status, body = await http.request(
            self.ports.http, "POST", f"/v2/models/{self.model}/generate", _CANARY, timeout
        )
        if status != 200 and b"not healthy" in body:
            raise OSError(body.decode(errors="replace")[:200])

    async def stop(self) -> None:
        """Kills the server and its stub at once and removes what they leave in shared memory.

        There is no state to save; a polite stop takes three seconds and hangs one time in twelve.
        """
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()
        self._clear()

    async def close(self) -> None:
        """Stops for good and removes the temporary folder."""
        await self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def reason(self) -> str:
        """The line of the log that explains a failed start best."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return "no log"
        for pattern in (
            r"error while loading shared libraries",
            r"^E\d{4}.*(?:failed|unable|error|invalid)",
            r"^E\d{4}",
            r"^error",
        ):
            for line in lines:
                if re.search(pattern, line, re.IGNORECASE):
                    return re.sub(r"^E\d{4} [\d:.]+ \d+ \S+\] ", "", line).strip().strip('"')[:240]
        code = self.process.returncode if self.process else None
        return lines[-1].strip()[:240] if lines else f"it said nothing (exit code {code})"

    def _transient(self) -> bool:
        """One start in some two hundred aborts in a lock of the server's own; ports may be taken meanwhile."""
        aborted = self.process is not None and self.process.returncode == -signal.SIGABRT
        return aborted or "already in use" in self.reason()

    async def _ready(self) -> bool:
        try:
            status, _ = await http.request(self.ports.http, "GET", f"/v2/models/{self.model}/ready", timeout=1.0)
        except (OSError, TimeoutError):
            return False
        return status == 200

    def _command(self) -> list[str]:
        tls = self.options.tls
        command = [
            str(self.environment.binary),
            f"--model-repository={self.folder / 'models'}",
            f"--backend-directory={self.folder / 'backends'}",
            "--disable-auto-complete-config",  # or each start runs the stub twice and takes a second longer
            "--exit-on-error=true",
            f"--backend-config=python,shm-region-prefix-name={self._shm}",
            "--backend-config=python,shm-default-byte-size=4194304",
            "--backend-config=python,shm-growth-byte-size=1048576",
            f"--grpc-address={self.options.host}",  # the default of all three is 0.0.0.0
            "--http-address=127.0.0.1",
            "--metrics-address=127.0.0.1",
            f"--grpc-port={self.ports.grpc}",
            f"--http-port={self.ports.http}",
            f"--metrics-port={self.ports.metrics}",
            "--allow-gpu-metrics=false",
            "--exit-timeout-secs=1",
            # Clients may send keepalive pings every 10 s; by default the server would drop them for it.
            "--grpc-http2-min-recv-ping-interval-without-data=5000",
            "--grpc-http2-max-pings-without-data=0",
            "--grpc-keepalive-permit-without-calls=1",
        ]
        if tls is not None:
            command += ["--grpc-use-ssl=true"]
            command += [f"--grpc-server-cert={tls / 'server.crt'}", f"--grpc-server-key={tls / 'server.key'}"]
        if tls is not None and self.options.mtls:
            command += ["--grpc-use-ssl-mutual=true", f"--grpc-root-cert={tls / 'ca.crt'}"]
        # Nobody loads models or maps memory from outside: these need a key that is never told.
        key = f"sophia-admin={secrets.token_hex(16)}"
        command.append(f"--grpc-restricted-protocol=model-repository,shared-memory,trace,logging:{key}")
        command.append(f"--http-restricted-api=model-repository,shared-memory,trace,logging:{key}")
        return command

    def _variables(self) -> dict[str, str]:
        env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "LD_", "GRPC_", "VIRTUAL_ENV"))}
        env["PATH"] = f"{self.environment.folder / 'bin'}:{env.get('PATH', '/usr/bin:/bin')}"
        env["LD_LIBRARY_PATH"] = str(self.environment.libpython)
        env["OMP_NUM_THREADS"] = "1"
        env["PYTHONDONTWRITEBYTECODE"] = "1"
        return env

    def _clear(self) -> None:
        self.stub = None
        for leftover in SHM.glob(f"{self._shm}*"):
            with contextlib.suppress(OSError):
                leftover.unlink()


def sweep() -> None:
    """Removes the shared memory and temporary folders that killed supervisors left behind."""
    temporary = Path(tempfile.gettempdir())
    for leftover in [*SHM.glob(f"{PREFIX}*"), *temporary.glob(f"{FOLDER}*")]:
        found = re.match(rf"(?:{PREFIX}|{FOLDER})(\d+)[x-]", leftover.name)
        if found and not Path("/proc", found[1]).exists():
            with contextlib.suppress(OSError):
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()


def _child_of(parent: int) -> int | None:
    """The process id of the model's stub."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                after = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(after[1]) == parent and after[0] != "Z":
                    return int(entry.name)
    return None
