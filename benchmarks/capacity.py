"""How many processors and GPUs so many conversations need: one division a row, and where each divisor comes from.

    python -m benchmarks.capacity                    for 10, 1,000 and 100,000 conversations
    python -m benchmarks.capacity --sessions 64,500

*Measured* is by this project, *published* by somebody else, *assumed* by nobody. Nothing here was run at these sizes.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass

CORE_SHARE = 0.7
"""Of a core: beyond it the event loop is late too often."""

TALK_MS = 13.5 + 3.1 + 3.1
"""CPU-ms for each second of a conversation: loop and gRPC with the face (docs/benchmarks.md, 50 at once), the WebSocket
(the median of five rounds with 30 callers, docs/server.md), and what a page is sent (docs/server.md)."""

HAPROXY_MS = 1.55 + 3.9 / 20
"""CPU-ms for each second of a conversation's WebSocket, TLS on both sides, by HAProxy 2.6 (docs/scale.md), and its part
of the looks at a server, which has 20 conversations."""

DISPATCHER_MS = 2.6
"""CPU-ms for each second and server that the lease endpoint looks after: it asks four times a second, over TLS."""

SPEAKING = 0.5
"""Share of the time in which she speaks."""

PUBLISHED_STREAMS = 64
"""NVIDIA's voice agent on four H100, one for each of Riva's two and two for the model: 64 streams with 1.00 s in the
mean (docs/load.md). Magpie takes no more (release notes 1.8.0)."""

FACE_STREAMS = 10
"""``stream_number`` of Audio2Face-3D's own configuration: clips at a time."""


@dataclass(frozen=True, slots=True)
class Need:
    """``holds``: conversations for each ``unit``; ``source`` says how that is known."""

    part: str
    unit: str
    holds: float
    source: str


NEEDS = (
    Need("Riva ASR, Parakeet 1.1B", "H100", PUBLISHED_STREAMS, "published"),
    Need("Riva TTS, Magpie", "H100", PUBLISHED_STREAMS, "published"),
    Need("language model on Triton", "H100", PUBLISHED_STREAMS / 2, "published"),
    Need("Audio2Face-3D", "GPU", FACE_STREAMS / SPEAKING, "published; she speaks half of the time, assumed"),
    Need("session servers", "core", CORE_SHARE * 1000 / TALK_MS, "measured, its services simulated"),
    Need("HAProxy, where there is one", "core", CORE_SHARE * 1000 / HAPROXY_MS, "measured, TLS on both sides"),
    Need(
        "lease endpoint, where there is one",
        "core",
        CORE_SHARE * 1000 / DISPATCHER_MS * math.floor(CORE_SHARE * 1000 / TALK_MS),
        "measured",
    ),
)


def table(sizes: list[int]) -> str:
    """The table as Markdown."""
    heads = " | ".join(f"{size:,}" for size in sizes)
    lines = [f"| part | one | holds | how it is known | {heads} |", "|---|---|--:|---|" + "--:|" * len(sizes)]
    for need in NEEDS:
        counts = " | ".join(f"{math.ceil(size / need.holds):,}" for size in sizes)
        lines.append(f"| {need.part} | {need.unit} | {math.floor(need.holds):,} | {need.source} | {counts} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", default="10,1000,100000", help="how many at a time (default: %(default)s)")
    args = parser.parse_args()
    print(table([int(word) for word in args.sessions.split(",")]))


if __name__ == "__main__":
    main()
