"""``--check``: connects to every service of a configuration, uses it once, and shows what answers.

Last comes whether her page can have its port. It is no failure if not: she talks all the same.

Each service is really used, not only connected to. A NIM that is up but cold takes seconds for its first request, and a
model that is ready may still be the wrong one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.conversation.conversation import NOTHING
from pipelines.embedded.process import ServiceFailed
from pipelines.embedded.speech.fetched import turn_model
from pipelines.embedded.supervisor import EmbeddedServices
from pipelines.failures import Failure
from pipelines.home import home
from pipelines.services.channels import PeerIdentity, identity, metadata_for, open_channel, warm
from pipelines.services.diagnosis import diagnose
from pipelines.services.page_port import page_port
from pipelines.services.probes import Probe, Use, probes
from pipelines.settings.endpoint import Endpoint
from pipelines.settings.languages import without_words
from pipelines.settings.model import Settings
from pipelines.tools.look import look
from sophia.smart_turn import SmartTurn, TurnModelUnusable

USE_SECONDS = 20.0
"""How long a service may take for its first use; a cold NIM is slow, a hanging one must not hold the check up."""

EXPIRY_DAYS = 14
"""A certificate that ends sooner than this is pointed out."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of checking one service. Times are in seconds."""

    service: str
    endpoint: Endpoint
    connected: float | None = None
    used: Use | None = None
    peer: PeerIdentity | None = None
    failure: Failure | None = None
    notes: tuple[str, ...] = ()


async def check_all(settings: Settings, console: Console | None = None) -> int:
    """Checks every service of ``settings`` at the same time and prints a table; returns 0 if all answer, else 1.

    Those that are ``embedded`` are started for it.
    """
    console = console or Console(highlight=False)
    async with AsyncExitStack() as stack:
        if settings.embedded_services:
            services = EmbeddedServices(settings, home(), lambda line: console.print(line, markup=False))
            try:
                settings = (await stack.enter_async_context(services)).settings
            except ServiceFailed as error:
                console.print(f"{str(error)[0].upper()}{str(error)[1:]}.", markup=False, style="red")
                console.print(f"{error.hint}.", markup=False)
                return 1
        with console.status("Connecting …"):
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(check(probe)) for probe in probes(settings)]
        answers = [task.result() for task in tasks]
    console.print(table(answers, datetime.now(UTC)))
    failures = [answer for answer in answers if answer.failure]
    for answer in failures:
        assert answer.failure is not None
        console.print(f"[red]✗[/] [bold]{answer.service}[/]  ", end="")
        console.print(Text(f"{answer.failure.line} {answer.failure.hint}"), soft_wrap=True)
    with console.status("Looking at tools …"):
        seen = await look(settings.tools)
    for sight in seen:
        console.print(Text(("✗ " if sight.wrong else "") + sight.line, "red" if sight.wrong else ""), soft_wrap=True)
        if sight.fix:
            console.print(Text(f"  To mend it: {sight.fix}"), soft_wrap=True)
    outside_failed = any(sight.wrong for sight in seen)
    sound_failed = False
    if settings.turns.sound_veto:
        try:
            seconds = await asyncio.to_thread(_judged, turn_model(home()))
            console.print(f"The turn model on audio (turns.sound_veto) judges in {seconds * 1000:.0f} ms.")
        except TurnModelUnusable as unusable:
            sound_failed = True
            console.print(Text(f"✗ {unusable} {unusable.hint}", "red"), soft_wrap=True)
    if line := without_words(settings.turns):
        console.print(line, markup=False, soft_wrap=True)
    if not settings.face.enabled:
        console.print("The face is switched off (face.enabled).")
    port = await page_port(settings.server)
    console.print(f"{port.found} To mend it, {port.fix}." if port.fix else port.found, markup=False, soft_wrap=True)
    if not (failures or sound_failed or outside_failed):
        console.print("[green]Everything answers.[/]")
    return 1 if failures or sound_failed or outside_failed else 0


def _judged(file: Path) -> float:
    """How many seconds the turn model takes; blocks for a moment. Raises :class:`TurnModelUnusable`."""
    network = SmartTurn(file)
    network.complete(NOTHING)  # the first time is slow
    began = time.perf_counter()
    network.complete(NOTHING)
    return time.perf_counter() - began


async def check(probe: Probe, seconds: float = USE_SECONDS) -> Answer:
    """Checks one service; never raises for what the service does, and takes little more than ``seconds``."""
    endpoint, loop = probe.endpoint, asyncio.get_running_loop()
    answer = Answer(probe.service, endpoint)
    try:
        async with open_channel(endpoint) as channel:
            if probe.grpc:
                began = loop.time()
                health = await warm(channel, endpoint.connect_seconds, metadata_for(endpoint)())
                notes = ("says that it is not serving",) if health == "not serving" else ()
                answer = replace(answer, connected=loop.time() - began, notes=notes)
            async with asyncio.timeout(seconds):
                answer = replace(answer, used=await probe.use(channel))
    except Exception as error:  # whatever a service or its client does wrong is a row of the table, not a crash
        failure = await diagnose(error, probe.service, endpoint, endpoint.connect_seconds)
        answer = replace(answer, failure=failure)
    if endpoint.tls.enabled:
        try:
            answer = replace(answer, peer=await identity(endpoint, endpoint.connect_seconds))
        except Exception as error:
            if answer.failure is None:  # gRPC went well, so this is for information only
                answer = replace(answer, notes=(*answer.notes, f"its certificate could not be read: {error}"))
    return answer


def table(answers: Sequence[Answer], now: datetime) -> Table:
    """The answers as a table that also fits 80 columns."""
    shown = Table(show_lines=True, pad_edge=False)
    shown.add_column("service", no_wrap=True)
    shown.add_column("answers", no_wrap=True)
    shown.add_column("what it is", overflow="fold", ratio=3)
    shown.add_column("identity", overflow="fold", ratio=2)
    for answer in answers:
        name = Text.assemble((answer.service, "bold"), f"\n{answer.endpoint.target}")
        what = (*(answer.used.has if answer.used else ()), *answer.notes)
        shown.add_row(name, _latency(answer), Text("\n".join(what)), _who(answer, now))
    return shown


def _latency(answer: Answer) -> Text:
    if answer.failure:
        return Text(f"no: {answer.failure.kind}", style="red")
    lines = [] if answer.connected is None else [f"connect {answer.connected * 1000:.0f} ms"]
    if answer.used is not None:
        lines.append(f"{answer.used.what} {answer.used.seconds * 1000:.0f} ms")
    return Text.assemble(("yes", "green"), "\n", "\n".join(lines))


def _who(answer: Answer, now: datetime) -> Text:
    peer = answer.peer
    if not answer.endpoint.tls.enabled:
        return Text("plaintext", style="yellow")
    if peer is None:
        return Text("–", style="dim")
    mutual = ", mutual" if answer.endpoint.tls.cert else ""
    days = (peer.expires - now).days
    style = "red" if days < 0 else "yellow" if days < EXPIRY_DAYS else ""
    until = f"until {peer.expires:%Y-%m-%d} ({days} days)"
    trusted = ("", "") if peer.trusted else (f"\n{peer.reason}", "red")
    return Text.assemble(f"{peer.subject}\nby {peer.issuer}\n", (until, style), f"\n{peer.protocol}{mutual}", trusted)
