"""A bad network between two network namespaces: packets are delayed, lost and cut. Needs root and /dev/net/tun.

Packets are real ones, so TCP sends again, backs off and waits as it does on a lossy line. A kernel without netem has
nothing of the kind, so a thread of this process carries the packets from one TUN device to the other.
"""

from __future__ import annotations

import fcntl
import heapq
import itertools
import os
import random
import select
import struct
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
"""From ``linux/if_tun.h``."""

MTU = 1400
_numbers = itertools.count(os.getpid() % 200)
"""Links have addresses of their own: several may be there at once."""


def missing() -> str:
    """Why there can be no link here; empty if there can."""
    if os.geteuid() != 0:
        return "it needs root, for network namespaces"
    if not Path("/dev/net/tun").exists():
        return "it needs /dev/net/tun"
    if subprocess.run(["ip", "netns", "list"], capture_output=True, check=False).returncode:
        return "it needs the program ip (iproute2)"
    return ""


@dataclass(slots=True)
class Line:
    """How the line is: seconds of ``delay`` and ``jitter`` each way, the share that is lost; ``cut``: all of it."""

    delay: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    cut: bool = False


class Link:
    """A namespace of its own behind a bad line, for as long as the ``with`` lasts; ``line`` may be changed.

    Programs are started in it by the command :meth:`inside`. They reach this side at ``host``.
    """

    def __init__(self, seed: int) -> None:
        self.line = Line()
        self.lost = 0
        self.passed = 0
        number = next(_numbers) % 256
        self.host, self._guest = f"10.77.{number}.1", f"10.77.{number}.2"
        self._name = f"chaos{number}"
        self._chance = random.Random(seed)
        self._over = threading.Event()
        self._ends: list[int] = []
        self._thread = threading.Thread(target=self._carry, name="link", daemon=True)

    def inside(self, command: list[str]) -> list[str]:
        """The command line that runs ``command`` behind the line."""
        return ["ip", "netns", "exec", self._name, *command]

    def __enter__(self) -> Self:
        _ip("netns", "add", self._name)
        try:
            for address, device in ((self.host, f"{self._name}a"), (self._guest, f"{self._name}b")):
                end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
                self._ends.append(end)
                fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH", device.encode(), IFF_TUN | IFF_NO_PI))
                where: tuple[str, ...] = ()
                if address == self._guest:
                    _ip("link", "set", device, "netns", self._name)
                    where = ("-n", self._name)
                    _ip(*where, "link", "set", "lo", "up")
                _ip(*where, "addr", "add", f"{address}/24", "dev", device)
                _ip(*where, "link", "set", device, "mtu", str(MTU), "up")
        except BaseException:
            self._close()
            raise
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(2)
        self._close()

    def _close(self) -> None:
        for end in self._ends:
            os.close(end)
        subprocess.run(["ip", "netns", "del", self._name], check=False)

    def _carry(self) -> None:
        here, there = self._ends
        other = {here: there, there: here}
        due: list[tuple[float, int, int, bytes]] = []
        count = 0
        while not self._over.is_set():
            wait = min(0.05, max(0.0, due[0][0] - time.monotonic())) if due else 0.05
            for end in select.select([here, there], [], [], wait)[0]:
                packet, line = os.read(end, 2 * MTU), self.line
                if line.cut or self._chance.random() < line.loss:
                    self.lost += 1
                    continue
                at = time.monotonic() + max(0.0, self._chance.gauss(line.delay, line.jitter))
                count += 1
                heapq.heappush(due, (at, count, other[end], packet))
            while due and due[0][0] <= time.monotonic():
                _, _, end, packet = heapq.heappop(due)
                try:
                    os.write(end, packet)
                    self.passed += 1
                except OSError:
                    self.lost += 1


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
