"""Plays a case: a user who reacts to what she does, simulated ears and voice with exact delays, and the mind to judge.

The conversation graph, turn taking, tools and playout are the real ones. The user's words reach the model without an
error, and her voice is a tone, so a case judges the mind and the loop around it. On a virtual clock with the embedded
mind it is always the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nova.history import History
from nova.mind import Mind
from nova.tools import Tool, Toolbox, ToolCall
from pipelines.conversation.components import Components
from pipelines.conversation.conversation import Conversation
from pipelines.conversation.events import (
    Failed,
    GenerationOver,
    Happening,
    PhaseChanged,
    PlayoutStarted,
    ToolEnded,
    ToolStarted,
    TurnEnded,
)
from pipelines.conversation.observers import Observer
from pipelines.conversation.phrases import Phrases
from pipelines.conversation.tongues import Speech
from pipelines.evals.case import Case, Line
from pipelines.evals.tooling import tools_of
from pipelines.settings.model import Settings
from pipelines.simulation.exact import Delays, OracleDetector, SimulatedRecognizer, SimulatedUser, SimulatedVoice
from pipelines.telemetry.ledger import Ledger
from pipelines.tools.place import SessionPlace
from sophia.decisions import Commit
from sophia.sinks import NullSink
from sophia.turns import TurnTaking

WORD_SECONDS = 0.3
STABLE_FIRST = 0.12
"""The recogniser's stable partial comes so long before its final, so that replies are begun as guesses."""
QUIET_SECONDS = 0.5
"""So long she has to be idle for a turn to be over."""
ANSWER_SECONDS = 45.0
"""Longest wait for a reply to be over; then the next line is said all the same."""
LONGEST = 3600.0
AT_ONCE = Delays(first_sound=0.0, speed=1e6)

MakeTools = Callable[[Case, Settings, SessionPlace], tuple[Tool, ...]]


@dataclass(frozen=True, slots=True)
class Ran:
    """A tool really ran, whatever was told of it: with these arguments, from ``at`` on."""

    at: float
    name: str
    given: Mapping[str, Any]


@dataclass
class Played(Observer):
    """What happened in a case: told as an observer, judged afterwards. Times are ``loop.time()``.

    ``starts`` and ``ends`` are those of the user's lines. ``commits`` says when each generation was decided.
    """

    case: Case
    offered: frozenset[str] = frozenset()
    starts: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    turns: list[Ledger] = field(default_factory=list)
    begun: list[ToolStarted] = field(default_factory=list)
    finished: list[ToolEnded] = field(default_factory=list)
    ran: list[Ran] = field(default_factory=list)
    commits: dict[int, float] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)
    faults: list[Failed] = field(default_factory=list)
    audible: list[float] = field(default_factory=list)
    problem: str = ""
    seconds: float = 0.0
    phase: str = "idle"
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    over: list[float] = field(default_factory=list)

    def told(self, happening: Happening) -> None:
        match happening:
            case PhaseChanged(phase=phase):
                self.phase = phase
            case TurnEnded(at=at, ledger=ledger):
                self.turns.append(ledger)
                self.over.append(at)
            case ToolStarted():
                self.begun.append(happening)
            case ToolEnded():
                self.finished.append(happening)
            case Commit(at=at, generation=generation):
                self.commits.setdefault(generation, at)
            case GenerationOver(generation=generation, text=text):
                self.texts[generation] = text
            case Failed():
                self.faults.append(happening)
            case PlayoutStarted(at=at):
                self.audible.append(at)
            case _:
                return
        self.changed.set()

    def line_at(self, time: float) -> int:
        """The user's line, from 0, that was the last to begin before ``time``; -1 before the first."""
        return sum(start <= time + 1e-6 for start in self.starts) - 1

    def started(self) -> list[tuple[ToolStarted, Ran]]:
        """The calls that had a tool run, each with its run; one that was refused or asked about has none."""
        not_run = {one.call_id for one in self.finished if one.failure in ("refused", "asked")}
        left, pairs = list(self.ran), []
        for one in self.begun:
            if one.call.id in not_run:
                continue
            run = next((r for r in left if r.name == one.call.name and r.at >= one.at and _holds(one, r)), None)
            if run:
                left.remove(run)
                pairs.append((one, run))
        return pairs

    def calls(self, line: int) -> list[ToolCall]:
        """The calls of a line that had a tool run, of replies that were decided."""
        return [
            one.call for one, run in self.started() if one.generation in self.commits and self.line_at(run.at) == line
        ]

    def ledgers(self, line: int) -> list[Ledger]:
        """The turns that belong to a line, by when the user had spoken, or she began by herself."""
        return [one for one in self.turns if self.line_at(_began(one)) == line]

    def heard(self, line: int) -> str:
        """What was heard of her for a line."""
        return " ".join(ledger.heard for ledger in self.ledgers(line) if ledger.heard)

    def running(self, tool: str, since: float) -> bool:
        """Whether a call of the tool was told after ``since`` and has not ended."""
        ended = {one.call_id for one in self.finished}
        return any(one.call.name == tool and one.at >= since and one.call.id not in ended for one in self.begun)


def _holds(one: ToolStarted, ran: Ran) -> bool:
    return one.call.parsed() == dict(ran.given)


def _began(ledger: Ledger) -> float:
    marks = ledger.marks
    return next((marks[name] for name in ("voice_end", "started", "decided") if name in marks), 0.0)


async def play(case: Case, mind: Mind, settings: Settings, make_tools: MakeTools = tools_of) -> Played:
    """Holds the conversation of a case to its end. Must be called on the loop whose time is meant."""
    loop = asyncio.get_running_loop()
    place = SessionPlace(language=lambda: turns.language)
    user = SimulatedUser([], LONGEST)
    delays = Delays()
    policy = settings.turns.model_copy(update={"language": case.language, "languages": case.languages})
    speech = {tag: Speech(SimulatedVoice(delays), Phrases(tag)) for tag in case.languages}
    for spoken in speech.values():
        await spoken.phrases.prepare(SimulatedVoice(AT_ONCE))
    own = speech.pop(case.language)
    turns = TurnTaking(policy)
    ran: list[Ran] = []
    tools = tuple(_recorded(tool, ran) for tool in make_tools(case, settings, place))
    toolbox = Toolbox(own=tools)
    components = Components(
        source=user,
        asr=SimulatedRecognizer(user, delays, STABLE_FIRST),
        detector=OracleDetector,
        turns=turns,
        llm=mind,
        history=History(case.persona, settings.llm.history_tokens),
        tts=own.tts,
        phrases=own.phrases,
        others=speech,
        sink=NullSink(),
        tools=toolbox,
    )
    played = Played(case, frozenset(tool.name for tool in tools), ran=ran)
    conversation = Conversation(components, [played])
    place.join(conversation.tell, toolbox)
    began = loop.time()
    running = loop.create_task(conversation.run())
    try:
        await asyncio.sleep(0.1)
        for line in case.lines:
            await _cue(line, played)
            played.starts.append(loop.time())
            seconds = max(0.4, WORD_SECONDS * len(line.user.split()))
            played.ends.append(user.utter(line.user, seconds, language=line.language or case.language))
            await asyncio.sleep(played.ends[-1] - loop.time())
        await _quiet(played)
        await asyncio.sleep(case.lines[-1].wait)
        if case.lines[-1].wait:
            await _quiet(played)
    finally:
        place.leave()
        conversation.stop()
        await asyncio.wait([running])
    if not running.cancelled() and (error := running.exception()):
        played.problem = f"the conversation ended: {error}"
    played.seconds = loop.time() - began
    return played


def _recorded(tool: Tool, ran: list[Ran]) -> Tool:
    """The same tool, which writes down that it runs."""

    async def run(arguments: Mapping[str, Any]) -> str:
        ran.append(Ran(asyncio.get_running_loop().time(), tool.name, dict(arguments)))
        return await tool.run(arguments)

    return replace(tool, run=run)


async def _cue(line: Line, played: Played) -> None:
    """Waits for the moment at which a line is said."""
    loop = asyncio.get_running_loop()
    if not played.starts:
        return
    before, since = played.case.lines[len(played.starts) - 1], played.starts[-1]
    if line.after is not None:
        await asyncio.sleep(max(0.0, played.ends[-1] + line.after - loop.time()))
    elif line.during:
        if not await _until(played, lambda: played.running(line.during, since)):
            played.problem = played.problem or f"{line.during} never ran, so “{line.user}” was not said during it"
        await asyncio.sleep(0.3)
    elif line.over is not None:
        if not await _until(played, lambda: any(at >= since for at in played.audible)):
            played.problem = played.problem or f"she never spoke, so “{line.user}” was not said over it"
        await asyncio.sleep(line.over)
    else:
        await _quiet(played)
        if before.wait:
            await asyncio.sleep(before.wait)
            await _quiet(played)
        await asyncio.sleep(line.pause)


async def _quiet(played: Played) -> None:
    """Waits until her reply to what was said last is over."""
    loop = asyncio.get_running_loop()
    limit = loop.time() + ANSWER_SECONDS
    while loop.time() < limit:
        settled = played.phase == "idle" and any(at >= played.ends[-1] for at in played.over)
        if not settled:
            await _until(played, lambda: False, once=True)
            continue
        count = len(played.over)
        await asyncio.sleep(QUIET_SECONDS)
        if played.phase == "idle" and len(played.over) == count:
            return


async def _until(played: Played, condition: Callable[[], bool], *, once: bool = False) -> bool:
    """Waits until something that happens fulfils the condition, or with ``once`` until anything happens."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            while not condition():
                played.changed.clear()
                await played.changed.wait()
                if once:
                    return True
    except TimeoutError:
        return False
    return True
