"""A hostile client in a process of its own: python attacker.py KIND PORT SECONDS [SEED]. Prints what it did as JSON.

``deaf`` asks for replies and reads nothing. ``garbage`` sends what is no protocol as fast as the line takes it.
``flood`` sends sound much faster than it is spoken. ``crowd`` opens and drops sessions, a thousand if there is time.
"""

from __future__ import annotations

import base64
import json
import os
import random
import socket
import sys
import time

SESSIONS = 1000
MESSAGE = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "where is my order"}]}


def masked(opcode, payload):
    """A frame as a client sends it, its mask zero."""
    length = (
        bytes([0x80 | len(payload)]) if len(payload) < 126
        else b"\xfe" + len(payload).to_bytes(2, "big") if len(payload) < 1 << 16
        else b"\xff" + len(payload).to_bytes(8, "big")
    )  # fmt: skip
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


def event(**fields):
    return masked(1, json.dumps(fields).encode())


def opened(port):
    """A socket on which a WebSocket is open, or None where there was no room."""
    peer = socket.create_connection(("127.0.0.1", port), timeout=10)
    peer.sendall(
        f"GET /v1/realtime HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )
    if peer.recv(12).startswith(b"HTTP/1.1 101"):
        return peer
    peer.close()
    return None


def noise(chance):
    while True:
        kind = chance.choice(("bytes", "text", "nested", "event"))
        if kind == "bytes":
            yield masked(2, chance.randbytes(chance.randrange(2000)))
        elif kind == "text":
            yield masked(1, "".join(map(chr, chance.choices(range(32, 0x2FF), k=chance.randrange(500)))).encode())
        elif kind == "nested":
            yield masked(1, b"[" * chance.randrange(1, 20_000))
        else:
            kinds = ("session.update", "response.create", "conversation.item.create", "sophia.playout.position")
            odd = chance.choice((None, [], {}, -1, 1e300, "x" * 5000, [[]] * 100))
            yield event(type=chance.choice(kinds), session=odd, item=odd, response=odd, item_id=odd, audio_ms=odd)


def flood():
    sound = base64.b64encode(bytes(2 * 24_000)).decode()
    while True:
        yield event(type="input_audio_buffer.append", audio=sound)


def asking():
    while True:
        yield event(type="conversation.item.create", item=MESSAGE) + event(type="response.create")


def send(port, frames, until):
    """Sends as fast as the line takes it, and comes again when it is thrown out."""
    sent = cut_off = 0
    peer = None
    while time.monotonic() < until:
        try:
            peer = peer or opened(port)
            if peer is None:
                time.sleep(0.1)
                continue
            peer.settimeout(max(0.01, until - time.monotonic()))
            peer.sendall(next(frames))
            sent += 1
        except TimeoutError:  # the line takes no more, and the time is over
            break
        except OSError:
            if peer:
                peer.close()
            peer, cut_off = None, cut_off + 1
    return {"sent": sent, "cut_off": cut_off}


def crowd(port, until):
    done = full = 0
    while done + full < SESSIONS and time.monotonic() < until:
        peer = opened(port)
        if peer is None:
            full += 1
            continue
        if done % 2:
            peer.sendall(event(type="session.update", session={"extensions": ["sophia.face", "sophia.ledger"]}))
        peer.close()
        done += 1
    return {"opened": done, "full": full}


def main(kind, port, seconds, seed="1"):
    os.nice(19)  # where it runs beside the server, it shall not take its processor
    until = time.monotonic() + float(seconds)
    if kind == "crowd":
        return crowd(int(port), until)
    frames = {"deaf": asking, "garbage": lambda: noise(random.Random(seed)), "flood": flood}[kind]()
    return send(int(port), frames, until)


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])), flush=True)
