"""Integration: one whole turn with the real services, from a soundbite, and whether what watched it has seen it.

All four findings come from one turn, which the first of them to run holds.
"""

from __future__ import annotations

import asyncio
import functools
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pipelines.doctor.checklist import Check, Context
from pipelines.doctor.finding import Result, fail, ok, skip, warn
from pipelines.doctor.host import printable
from pipelines.doctor.inventory import listens
from pipelines.doctor.web import Page, WebTrouble, get
from pipelines.failures import StageFailed
from pipelines.records.results import Turn
from pipelines.replay.live import replay_live
from pipelines.replay.runner import Progress
from pipelines.scenarios.loading import load_scenario
from pipelines.services.connect import endpoints
from pipelines.services.diagnosis import diagnose
from pipelines.settings.model import Settings
from pipelines.talk.devices import BUNDLED
from pipelines.talk.runtime import Runtime

SOUNDBITE: Final = BUNDLED / "01_who_are_you.wav"
"""What is said to her: "Hello Sophia, who are you?", in English whatever the settings' language."""

TURN_SECONDS: Final = 60.0
"""How long the turn may take, connecting and first uses of cold services included."""

ARRIVAL_SECONDS: Final = 20.0
"""How long metrics and trace may take to get where they are looked up: a scrape or two, a batch or two."""

_RETRY_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Played:
    """What came of the turn, which took ``seconds`` with all connecting. ``trouble`` says why there is none.

    ``notes`` are what the replay had to tell; ``taken``: somebody else had the port of the metrics.
    """

    service_name: str
    turn: Turn | None = None
    trouble: Result | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    taken: bool = False


class _Notes(Progress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, line: str) -> None:
        self.lines.append(printable(line)[:300])


async def play(settings: Settings) -> Played:
    """Holds the turn, its spans under a service name of their own, by which they are found again."""
    own = re.sub(r"[^A-Za-z0-9_.-]", "-", settings.telemetry.service_name[:80])
    name = f"{own}-doctor-{uuid.uuid4().hex[:8]}"
    told = settings.telemetry
    taken = bool(told.metrics_port) and await listens(told.metrics_host, told.metrics_port)
    changes = {"service_name": name, "metrics_port": 0 if taken else told.metrics_port}
    settings = settings.model_copy(update={"telemetry": told.model_copy(update=changes)})
    notes, began = _Notes(), time.monotonic()
    try:
        scenario = await asyncio.to_thread(load_scenario, SOUNDBITE)
        async with asyncio.timeout(TURN_SECONDS):
            async with Runtime(settings, notice=notes.note) as runtime:
                run = await replay_live(runtime, scenario, progress=notes)
    except TimeoutError:
        return Played(name, trouble=fail(f"no turn within {TURN_SECONDS:g} s", "see the framework phase"))
    except Exception as error:  # whatever a service does wrong is a finding
        service = error.service if isinstance(error, StageFailed) else "loop"
        failure = await diagnose(error, service, endpoints(settings).get(service))
        return Played(name, trouble=fail(printable(failure.line), printable(failure.hint)), notes=tuple(notes.lines))
    turn = run.turns[0] if run.turns else None
    return Played(name, turn, None, tuple(notes.lines), time.monotonic() - began, taken)


async def _played(c: Context) -> Played:
    return await c.once("turn", lambda: play(c.settings))


async def _turn(c: Context) -> Result:
    played = await _played(c)
    return played.trouble or talked(played.turn, played.notes)


def talked(turn: Turn | None, notes: tuple[str, ...]) -> Result:
    """Whether the soundbite was heard and answered."""
    said = "".join(f"\n{note}" for note in notes[:5])
    if turn is None:
        return fail(f"the loop broke off{said}", "see the framework phase", "a reply")
    heard, reply = printable(turn.heard)[:120], printable(turn.reply)[:160]
    if turn.outcome != "answered":
        reason = f" ({printable(turn.reason)})" if turn.reason else ""
        return fail(f"{turn.outcome}{reason}; heard: “{heard}”{said}", "see the framework phase", "a reply")
    faults = "".join(f"\n{fault.kind}: {printable(fault.reason)[:200]}" for fault in turn.faults[:5])
    found = f"heard “{heard}”, said “{reply}”{faults}"
    return warn(found, "see the framework phase", "no failure on the way") if faults else ok(found)


async def _latency(c: Context) -> Result:
    played = await _played(c)
    return budgeted(played.turn, c.settings.stack.voice_to_voice)


def budgeted(turn: Turn | None, budget: float) -> Result:
    """The turn's voice-to-voice time against ``budget`` (seconds), with what it is made of."""
    if turn is None or turn.voice_to_voice is None:
        return skip("there was no reply to measure")
    parts = ", ".join(f"{printable(name)} {seconds * 1000:.0f}" for name, seconds in turn.contributions.items())
    found = f"{turn.voice_to_voice * 1000:.0f} ms voice to voice" + (f" ({parts})" if parts else "")
    expected = f"at most {budget * 1000:.0f} ms (stack.voice_to_voice)"
    if turn.voice_to_voice <= budget:
        return Result(ok("").mark, found, expected)
    return warn(found, "docs/replay.md tells how to replay turns and see which stage it is", expected)


async def _metrics(c: Context) -> Result:
    played, url = await _played(c), c.settings.stack.prometheus
    if url is None:
        return skip("not named: stack.prometheus")
    if played.turn is None:
        return skip("there was no turn")
    port = c.settings.telemetry.metrics_port
    if not port:
        return skip("the loop offers no metrics (telemetry.metrics_port is 0)")
    fix = "name the loop in docker/prometheus/targets/sophia.yml; look at Prometheus' page /targets while it talks"
    unanswered = "look whether Prometheus is up, and whether stack.prometheus is its address"
    seen = f"{url} has seen the loop talk"
    if played.taken:  # this turn's metrics were offered nowhere; those of the loop that runs must get there, too
        seen = f"{url} has the metrics of a loop that runs; port {port} is its, so this turn's were offered nowhere"
        return await _looked_up(
            c, f"{url}/api/v1/query", {"query": "sophia_sessions"}, functools.partial(_any_result, seen),
            missing=f"somebody has port {port}, and no metric of a loop that runs", fix=fix, unanswered=unanswered,
        )  # fmt: skip
    seconds = round(played.seconds) + 1
    # Sessions are 1 while the turn is held. A conversation that somebody else holds meanwhile looks alike.
    query = f"max(max_over_time(sophia_sessions[{seconds + round(ARRIVAL_SECONDS)}s])) > 0"
    return await _looked_up(
        c, f"{url}/api/v1/query", {"query": query}, functools.partial(_any_result, seen),
        missing="no metric of the turn", fix=fix, unanswered=unanswered,
    )  # fmt: skip


def _any_result(seen: str, page: Page) -> str | None:
    """``seen`` if Prometheus' answer holds any series."""
    told = page.json()
    data = told.get("data") if isinstance(told, dict) else None
    result = data.get("result") if isinstance(data, dict) else None
    return seen if isinstance(result, list) and result else None


async def _trace(c: Context) -> Result:
    played, stack, telemetry = await _played(c), c.settings.stack, c.settings.telemetry
    if telemetry.exporter != "otlp":
        return skip(f"spans go nowhere (telemetry.exporter is {telemetry.exporter})")
    if played.turn is None:
        return skip("there was no turn")
    refused = [note for note in played.notes if telemetry.endpoint in note]
    if refused:
        return fail(refused[0], "see collector in the framework phase", "the collector takes the trace")
    if stack.tempo is None:
        return ok(f"{telemetry.endpoint} took it; whether it was kept is not looked up (stack.tempo)")

    def arrived(page: Page) -> str | None:
        told = page.json()
        traces = told.get("traces") if isinstance(told, dict) else None
        first = traces[0] if isinstance(traces, list) and traces else None
        return f"trace {printable(str(first.get('traceID')))[:32]}" if isinstance(first, dict) else None

    tags = {"tags": f"service.name={played.service_name}", "limit": "1"}
    return await _looked_up(
        c, f"{stack.tempo}/api/search", tags, arrived, missing="no trace of the turn",
        fix="look at the collector's log: it took the trace and did not pass it on",
        unanswered="look whether Tempo is up, and whether stack.tempo is its address",
    )  # fmt: skip


async def _looked_up(
    c: Context, url: str, params: dict[str, str], arrived: Callable[[Page], str | None], *,
    missing: str, fix: str, unanswered: str,
) -> Result:  # fmt: skip
    """Asks ``url`` until ``arrived`` finds something on the page, for :data:`ARRIVAL_SECONDS` at most.

    ``fix`` is of an answer without what was looked for, ``unanswered`` of no answer, or of one that cannot be read.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + ARRIVAL_SECONDS
    while True:
        trouble: WebTrouble | None = None
        try:
            page = await get(url, tls=c.settings.stack.tls, params=params)
            if page.status != 200:
                raise WebTrouble(f"HTTP {page.status}")
            if found := arrived(page):
                return ok(found)
        except WebTrouble as error:
            trouble = error
        if loop.time() >= until:
            if trouble is not None:
                return fail(f"cannot be looked up: {url}: {trouble}", trouble.fix or unanswered)
            return fail(f"{missing} within {ARRIVAL_SECONDS:g} s", fix)
        await asyncio.sleep(_RETRY_SECONDS)


_LONG: Final = TURN_SECONDS + ARRIVAL_SECONDS + 10

INTEGRATION: Final = tuple(
    Check("integration", "turn", key, title, why, probe, _LONG)
    for key, title, why, probe in (
        ("turn", "a turn by soundbite", "it is what all of this is for", _turn),
        ("latency", "latency", "a slow reply is no conversation", _latency),
        ("metrics", "metrics in Prometheus", "without them a bad evening leaves no figures", _metrics),
        ("trace", "trace in the collector", "without it nobody can tell which stage was slow", _trace),
    )
)
