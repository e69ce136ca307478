"""Conducts one conversation: cues the caller's lines as the talk says, and ends it after the last reply."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from pipelines.failures import StageFailed
from pipelines.records.results import Turn, Unit
from pipelines.replay.listener import Listener
from pipelines.replay.recorded_tools import RecordedTools
from pipelines.replay.scoring import Unsaid, score
from pipelines.replay.sessions import Sessions
from pipelines.scenarios.caller import Caller
from pipelines.scenarios.scenario import Line, Talk

LEAD_SECONDS = 0.5
"""Silence before the first line, in which the detector and the recogniser settle; its own cue comes on top."""

SETTLED_SECONDS = 0.3
"""Quiet after a reply, before it counts as over."""

UNANSWERED_SECONDS = 3.0
"""Quiet after a line without any reaction, before it counts as missed and the next one is said."""

LONGEST_SECONDS = 90.0
"""Longest wait for a reply to begin or to be over; then the talk goes on without it."""

NO_REPLY = "there was no reply to speak over"
TOO_LATE = "her reply was over before"
ENDED = "the conversation ended first"


@dataclass(frozen=True, slots=True)
class Played:
    """What became of one playing of a talk; ``lost`` if a service was lost for good in it."""

    turns: list[Turn]
    lost: StageFailed | None = None


async def play(talk: Talk, unit: Unit, sessions: Sessions, began: float) -> Played:
    """Plays ``talk`` once, from its first line to the end of the last reply.

    ``began`` is the ``loop.time()`` that the turns' ``at`` counts from. A service that is lost is no error here: the
    lines that it cost are missed, with the reason.
    """
    caller = Caller(talk)
    listener = Listener(sessions.reply_rate)
    session = sessions.session(caller, unit, [listener])
    if talk.tools is not None:
        session.tools.instead = RecordedTools(talk.tools).instead
    conductor = _Conductor(talk, caller, listener)
    lost: StageFailed | None = None

    async def conduct() -> None:
        await conductor.run()
        session.stop()

    cues = asyncio.create_task(conduct())
    try:
        await session.run()
    except StageFailed as failure:
        lost = failure
    finally:
        cues.cancel()
        await asyncio.gather(cues, return_exceptions=True)
    if cues.done() and not cues.cancelled() and (error := cues.exception()):
        raise error
    ended = listener.faults[-1] if lost and listener.faults else ENDED
    unsaid = conductor.unsaid
    language = sessions.language
    turns = score(talk, unit, caller, listener, began=began, unsaid=unsaid, ended=ended, language=language)
    return Played(turns, lost)


class _Conductor:
    def __init__(self, talk: Talk, caller: Caller, listener: Listener) -> None:
        self.unsaid: list[Unsaid] = []
        self._talk = talk
        self._caller = caller
        self._ears = listener
        self._loop = asyncio.get_running_loop()
        self._asked_at = 0.0  # when the line began whose reply is spoken over

    async def run(self) -> None:
        """Says every line and returns when the last reply is over."""
        free = self._loop.time() + LEAD_SECONDS
        for number, line in enumerate(self._talk.lines):
            at, reason = await self._cue(line, free)
            if at is None:
                self.unsaid.append(Unsaid(number, reason))
                continue
            if line.reaction == "reply":
                self._asked_at = at
            following = self._talk.lines[number + 1 : number + 2]
            free = await self._say(line, at, wait=not following or following[0].cue.kind == "reply")

    async def _say(self, line: Line, at: float, *, wait: bool) -> float:
        """Says it; returns when the next line that waits for a reply may come."""
        count, turns = len(self._caller.said), len(self._ears.ledgers)
        self._caller.say(line, at)
        while len(self._caller.said) == count:
            await self._ears.change(self._loop.time() + 0.02 if self._loop.time() >= at else at)
        if wait:
            await self._over(turns)
        return self._loop.time()

    async def _cue(self, line: Line, free: float) -> tuple[float | None, str]:
        """When to say the line; None and why if its cue never comes."""
        cue, said = line.cue, self._caller.said
        if cue.kind == "reply" or not said:
            return free + cue.seconds, ""
        if cue.kind == "gap":
            return max(said[-1].end + cue.seconds, self._loop.time()), ""
        return await self._over_reply(cue.seconds)

    async def _over_reply(self, seconds: float) -> tuple[float | None, str]:
        ears, last = self._ears, self._caller.said[-1]
        while not (begun := [time for time in ears.started if time > self._asked_at]):
            given_up = self._loop.time() > last.end + LONGEST_SECONDS
            if given_up or self._quiet(max(last.end, ears.idle_since) + UNANSWERED_SECONDS):
                return None, NO_REPLY
            await ears.change(self._loop.time() + UNANSWERED_SECONDS / 4)
        at = begun[0] + seconds
        while self._loop.time() < at:
            if ears.now == "idle":
                return None, TOO_LATE
            await ears.change(at)
        return at, ""

    async def _over(self, turns: int) -> None:
        """Returns when the reply to what was said is over, or when none came."""
        ears, last = self._ears, self._caller.said[-1]
        limit = last.end + LONGEST_SECONDS
        while self._loop.time() < limit:
            answered = len(ears.ledgers) > turns
            quiet = max(ears.idle_since, last.end) + (SETTLED_SECONDS if answered else UNANSWERED_SECONDS)
            if self._quiet(quiet):
                return
            await ears.change(quiet if ears.now == "idle" else limit)

    def _quiet(self, until: float) -> bool:
        return self._ears.now == "idle" and self._loop.time() >= until - 1e-9
