"""Faults of the network: slow, cut, half-open, garbled, lossy. Those that need a namespace of their own say so."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from benchmarks.chaos.fault import Fault, Inject
from benchmarks.chaos.link import Line, missing
from benchmarks.chaos.relay import Weather
from benchmarks.chaos.trial import Trial

BOTH = ("voice", "server")


def weather(seconds: float, lines: Sequence[str] = (), *, cut: bool = False, **how: float) -> Inject:
    """Bad weather on some lines (default: all) for a while; ``cut``: what is connected then is reset."""

    async def inject(trial: Trial) -> None:
        await trial.asked()
        relays = [trial.relays[name] for name in lines or trial.relays]
        trial.say(f"{', '.join(lines) or 'all lines'}: {how or 'reset'} for {seconds:g} s")
        for relay in relays:
            relay.weather = Weather(**how)  # type: ignore[arg-type]
            if cut:
                relay.cut()
        await asyncio.sleep(seconds)
        for relay in relays:
            relay.weather = Weather()
        trial.say("the line is good again")

    return inject


async def forgotten(trial: Trial) -> None:
    """As by a firewall that was restarted: what is connected swallows everything, and nobody is told."""
    await trial.asked()
    trial.say("all connections are forgotten")
    for relay in trial.relays.values():
        relay.forget()


def packets(seconds: float, line: Line) -> Inject:
    """A bad line for packets, for a while."""

    async def inject(trial: Trial) -> None:
        assert trial.link
        await trial.asked()
        trial.say(f"{line} for {seconds:g} s")
        trial.link.line = replace(line)
        await asyncio.sleep(seconds)
        trial.link.line = Line()
        trial.say(f"the line is good again; {trial.link.lost} packets were lost, {trial.link.passed} came through")

    return inject


LINES = (
    Fault(
        "delay",
        "80 ms more each way, ± 20 ms, for 15 s",
        "slower, no more",
        weather(15, delay=0.08, jitter=0.02),
        BOTH,
        lines=True,
    ),
    Fault(
        "throttle-speech",
        "speech over 48 kB/s, for 15 s: less than her voice needs",
        "underruns are counted; the next turn is answered",
        weather(15, ("speech",), rate=48_000),
        lines=True,
    ),
    Fault(
        "reset",
        "all connections are reset",
        "connected again at once",
        weather(0, cut=True),
        BOTH,
        lines=True,
    ),
    Fault(
        "refused",
        "all connections are reset, and new ones refused for 5 s",
        "tried again; an apology or an answer",
        weather(5, cut=True, refuses=True),
        BOTH,
        lines=True,
    ),
    Fault(
        "refused-30",
        "the same for 30 s",
        "soundbites give up after 20 s with 3; the server waits",
        weather(30, cut=True, refuses=True),
        ("server",),
        lines=True,
    ),
    Fault(
        "swallowed",
        "everything is swallowed for 8 s, new connections too",
        "deadlines find it; nothing stale is heard afterwards",
        weather(8, swallows=True),
        BOTH,
        lines=True,
        within=40,
    ),
    Fault(
        "half-open",
        "what is connected swallows everything for good, new connections work",
        "connections are replaced",
        forgotten,
        BOTH,
        lines=True,
        within=40,
    ),
    Fault(
        "garbled",
        "a byte of every piece is changed, for 5 s",
        "TLS finds it; connected again",
        weather(5, garbles=1.0),
        BOTH,
        lines=True,
    ),
    Fault(
        "babble",
        "reset, and for 5 s whoever connects hears bytes that are no TLS",
        "a typed error, one line; connected again",
        weather(5, cut=True, babbles=True),
        BOTH,
        lines=True,
    ),
    Fault(
        "loss",
        "3 % of the packets are lost, 20 ± 5 ms each way, for 20 s",
        "slower by what TCP takes to send again",
        packets(20, Line(0.02, 0.005, 0.03)),
        lines=True,
        link=True,
        needs=missing,
    ),
    Fault(
        "cable",
        "the cable is pulled for 5 s",
        "it goes on where TCP does, or deadlines find it",
        packets(5, Line(cut=True)),
        lines=True,
        link=True,
        within=40,
        needs=missing,
    ),
)
