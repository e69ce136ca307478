"""A turn's ledger: its instants, and where the time between the user's last sound and her first went.

Spans, histograms, the terminal and the replay report are views of the ledger; none of them measures anything itself.
Times are ``loop.time()`` seconds. No clock, no I/O.

The contributions tile the stretch from ``voice_end`` to ``played``. :data:`CHAIN` names the instants in the order in
which they follow each other. Each contribution is the part of the stretch that its instant added. An instant that
nobody noted, or that came before its predecessor, adds nothing. (Speculation starts the reply before the turn is
decided.) So whatever was noted, in whatever order, the contributions add up to voice-to-voice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final, Literal

SCHEMA: Final = 3
"""Version of :meth:`Ledger.as_dict`; raised when a reader of older files would misread a newer one."""

READABLE: Final = (2, SCHEMA)
"""The versions that :func:`words_of` and other readers know. In version 2 words stood among the numbers."""

VOICE_END: Final = "voice_end"
"""The user's last voiced sample was spoken. Voice-to-voice starts here."""
PLAYED: Final = "played"
"""The reply's first audible sample left the sink. Voice-to-voice ends here."""

CHAIN: Final[Mapping[str, str]] = {
    "captured": "capture",  # the frame that holds the last voiced sample reached the loop
    "transcript": "asr",  # the text that the accepted generation was started from arrived
    "started": "endpointing",  # the accepted generation was started
    "first_token": "llm",  # the model's first output arrived: text, or the call of a tool
    "first_word": "tools",  # the first text to be said did, or the phrase she says while her tools are at work
    "first_clause": "clause",  # its first clause was handed to synthesis
    "first_audio": "tts",  # its first audible sound arrived
    "released": "hold",  # the gate opened: until then finished sound waited for the decision
    PLAYED: "playout",
}
"""Each instant after ``voice_end``, in order, and the contribution that ends with it."""

CONTRIBUTIONS: Final[tuple[str, ...]] = tuple(CHAIN.values())

OF_A_GENERATION: Final = frozenset(CHAIN) - {"captured"} | {"first_frame", "last_token", "last_audio"}
"""Instants that belong to one attempt at a reply; a new attempt forgets them."""

ASIDE: Final = frozenset(
    {"voice_start", "stable", "final", "decided", "first_frame", "last_token", "last_audio"}
    | {"barge_in", "silenced", "end"}
)
"""Instants beside the chain.

``voice_start``: the user began; ``stable``: the recogniser's last stable partial arrived; ``final``: its last word did;
``decided``: the turn was decided; ``first_frame``: the face's first frame arrived; ``last_token``: the reply's text is
complete; ``last_audio``: so is its sound; ``barge_in``: the user's voice that took the floor began; ``silenced``: her
last sample before she gave way; ``end``: the turn is over.
"""

INSTANTS: Final = frozenset({VOICE_END}) | frozenset(CHAIN) | ASIDE


ToolFailure = Literal["", "error", "internal", "timeout", "cancelled", "refused", "asked"]
"""Why a tool of the runtime's own gave no result: it said why, broke, took too long, was cut off, or was not run.

``asked``: it was not run yet, for the user is asked whether it may.
"""


class Outcome(StrEnum):
    """How a turn ended."""

    REPLIED = "replied"  # the reply was played to its end
    CALLED = "called"  # the reply only called tools; another turn answers with what they said
    INTERRUPTED = "interrupted"  # the user took the floor
    REPROMPTED = "reprompted"  # speech was heard but no text came; she asked again
    DROPPED = "dropped"  # nothing worth a reply: noise, a backchannel, an empty utterance
    KEPT = "kept"  # nobody asked for an answer to its words alone; those after it, or nothing, answered them
    JOINED = "joined"  # it was the rest of the turn before, which went on
    BROKEN = "broken"  # a service failed in the middle of the reply, which broke off; a part of it was heard
    FAILED = "failed"  # a service failed, and nothing but an apology was heard


class Count(StrEnum):
    """What a turn counts; every one starts at 0.

    Of :data:`LOSSES` a turn's ledger also counts those since the turn before.
    """

    SPECULATIONS_STARTED = "speculations_started"
    SPECULATIONS_DROPPED = "speculations_dropped"
    WASTED_TOKENS = "wasted_tokens"  # text pieces of dropped generations
    TOKENS = "tokens"  # text pieces of the accepted generation
    FALSE_CUTOFFS = "false_cutoffs"
    FALSE_INTERRUPTIONS = "false_interruptions"
    RESUMES = "resumes"
    BACKCHANNELS = "backchannels"
    UNDERRUNS = "underruns"
    OVERFLOWS = "overflows"  # frames and blocks of the microphone that were lost
    DROPPED_FRAMES = "dropped_frames"  # frames that the recogniser never got: its service was away for too long
    REOPENED_STREAMS = "reopened_streams"  # the recogniser's, because another had broken
    LATE_FRAMES = "late_frames"  # frames of the face that reached a page after their time
    UNDERFLOWS = "underflows"  # blocks that came to the sound card too late
    TOOL_CALLS = "tool_calls"  # calls of the runtime's own tools
    TOOL_FAILURES = "tool_failures"  # of those, without a result
    TOOL_CALLS_WASTED = "tool_calls_wasted"  # of those, made by generations that were dropped


LOSSES: Final = (Count.OVERFLOWS, Count.DROPPED_FRAMES, Count.REOPENED_STREAMS, Count.UNDERFLOWS)
"""What devices and streams lost: counted when it happens, in a turn or beside."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Something that turn taking decided, and why, in words."""

    time: float
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A failure that befell the turn.

    ``service`` and ``kind`` are a word each, of fixed sets (:data:`pipelines.failures.Kind`). ``line`` is for people,
    names no place, and may quote what a service said. ``count`` is how often it happened since ``time``.
    """

    time: float
    service: str
    line: str
    kind: str = "part"
    count: int = 1


@dataclass(frozen=True, slots=True)
class ToolRun:
    """A tool that the runtime ran for the reply, from ``time`` on, and what came of it. ``call`` is the call's id.

    ``guess``: the turn was not decided when it began. ``seconds`` is how long it took; None: it was at work when the
    turn was over. ``failure``: why there is no result. ``arguments`` and ``output`` are what it was told, and told.
    """

    time: float
    call: str
    name: str
    guess: bool = False
    arguments: str = ""
    seconds: float | None = None
    failure: ToolFailure = ""
    output: str = ""


@dataclass(frozen=True, slots=True)
class Silence:
    """A silence of the user's in the turn that could have ended it, and what did end it. Lengths in seconds.

    ``length`` from ``at`` on. ``threshold`` is the length that ends the turn, and ``sounds`` how finished the words
    sounded that it was chosen by. ``explored``: it was lengthened to learn from it. A silence ends with the user's
    ``voice``, with the ``endpoint``, or with a ``reopen``: after an endpoint the user simply went on. What ends with
    the endpoint might have been longer.
    """

    at: float
    length: float
    threshold: float
    sounds: str
    ended_by: Literal["voice", "endpoint", "reopen"]
    explored: bool = False


@dataclass(slots=True)
class Ledger:
    """The ledger of one turn. Numbers of turns and generations count from 1 in each conversation.

    ``called`` are the names of the tools that the reply called and a client runs, ``tools`` are those that the runtime
    ran for it. ``skipped`` are the clauses of ``reply`` that the voice could not say. ``sound_seconds`` is how much
    sound was made for the accepted reply, ``wasted_seconds`` for those that were dropped.
    ``lip_skew`` is by how many seconds the lips led the sound, at the 95th percentile of the distance; ``face_missing``
    is the share of her audible speech, 0 to 1, for which the face had no frame. None where nobody looked.
    """

    turn: int
    marks: dict[str, float] = field(default_factory=dict)
    generations: list[int] = field(default_factory=list)
    user: str = ""
    reply: str = ""
    heard: str = ""
    called: list[str] = field(default_factory=list)
    tools: list[ToolRun] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    outcome: Outcome | None = None
    counts: Counter[Count] = field(default_factory=Counter)
    sound_seconds: float = 0.0
    wasted_seconds: float = 0.0
    lip_skew: float | None = None
    face_missing: float | None = None
    silences: list[Silence] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def mark(self, name: str, time: float, *, replace: bool = False) -> None:
        """Notes that the instant ``name`` (one of :data:`INSTANTS`) was at ``time``; the first note stands.

        ``replace`` overwrites, for an instant that was guessed too early: the user went on, so her voice ended later.
        """
        if name not in INSTANTS:
            raise ValueError(f"no such instant: {name!r}; there are {', '.join(sorted(INSTANTS))}")
        if replace or name not in self.marks:
            self.marks[name] = time

    def attempt(self, generation: int) -> None:
        """A new attempt at the reply begins: what was noted of the one before no longer counts."""
        self.generations.append(generation)
        self.skipped.clear()
        self.tools.clear()
        for name in OF_A_GENERATION:
            self.marks.pop(name, None)

    def decide(self, time: float, kind: str, reason: str) -> None:
        """Notes a decision of turn taking."""
        self.decisions.append(Decision(time, kind, reason))

    def fail(self, time: float, service: str, line: str, kind: str = "part") -> None:
        """Notes a failure; the turn may go on and end well. One of the same service and kind is counted."""
        for at, fault in enumerate(self.faults):
            if (fault.service, fault.kind) == (service, kind):
                self.faults[at] = replace(fault, count=fault.count + 1)
                return
        self.faults.append(Fault(time, service, line, kind))

    def tool_ended(self, time: float, call: str, output: str, failure: ToolFailure) -> None:
        """Notes what came of one of ``tools``."""
        for at, run in enumerate(self.tools):
            if run.call == call and run.seconds is None:
                self.tools[at] = replace(run, seconds=time - run.time, failure=failure, output=output)
                self.count(Count.TOOL_FAILURES, failure not in ("", "asked"))

    def count(self, what: Count, by: int = 1) -> None:
        """Counts ``what``."""
        self.counts[what] += by

    @property
    def voice_to_voice(self) -> float | None:
        """Seconds from the user's last voiced sample to her first audible one; ``None`` if she was not heard.

        Below zero where she began while the user was still speaking.
        """
        return self._between(VOICE_END, PLAYED)

    def instants(self) -> dict[str, float]:
        """The edges of the tiles: each instant of :data:`CHAIN` moved into its place between its neighbours.

        Times in seconds, never falling, from ``voice_end`` to ``played``. A turn in which she was not heard goes as
        far as it came. Empty without a ``voice_end``, or if she began before the user had ended.
        """
        reached = [name for name in CHAIN if name in self.marks]
        if VOICE_END not in self.marks:
            return {}
        edge = self.marks[VOICE_END]
        edges = {VOICE_END: edge}
        if not reached:
            return edges
        end = self.marks.get(PLAYED, max(self.marks[name] for name in reached))
        if end < edge:
            return {}
        for name in CHAIN:
            edge = min(max(edge, self.marks.get(name, edge)), end)
            edges[name] = edge
            if name == reached[-1]:
                break
        return edges

    def contributions(self) -> dict[str, float]:
        """Seconds that each of :data:`CONTRIBUTIONS` added, none below zero; empty unless voice-to-voice is known.

        Also empty if she began before the user had ended, for then there was no wait to explain.
        """
        edges = self.instants()
        if PLAYED not in edges:
            return {}
        return {CHAIN[name]: at - before for (_, before), (name, at) in pairwise(edges.items())}

    @property
    def spoilt_by(self) -> Fault | None:
        """The fault that makes an error of the turn: it failed, or its reply broke off. None if it went well.

        A turn may go well in spite of faults: without a face, without a clause, or with a second attempt.
        """
        if self.outcome not in (Outcome.FAILED, Outcome.BROKEN):
            return None
        of_her_words = [fault for fault in self.faults if fault.service != "face"]
        return (of_her_words or self.faults or [Fault(self.marks.get("end", 0.0), "unknown", "", "part")])[-1]

    @property
    def residue(self) -> float:
        """Voice-to-voice less the sum of the contributions, in seconds: nothing but the rounding of floats."""
        parts = self.contributions()
        return (self.voice_to_voice or 0.0) - sum(parts.values()) if parts else 0.0

    @property
    def face_lateness(self) -> float | None:
        """Seconds by which the face's first frame came after the first audible sound; below zero: in time."""
        return self._between("first_audio", "first_frame")

    @property
    def barge_in_latency(self) -> float | None:
        """Seconds from the onset of the user's interrupting voice to her last sample."""
        return self._between("barge_in", "silenced")

    def as_dict(self, *, words: bool = True) -> dict[str, Any]:
        """Everything, ready for JSON: marks in ``loop.time()`` seconds, the rest in seconds; read back by schema.

        What was said, and what may quote it, stands under ``words``, and is left out without them.
        """
        spoken = {
            "user": self.user,
            "reply": self.reply,
            "heard": self.heard,
            "skipped": list(self.skipped),
            "tools": [{"name": tool.name, "arguments": tool.arguments, "output": tool.output} for tool in self.tools],
            "reasons": [decision.reason for decision in self.decisions],
            "lines": [fault.line for fault in self.faults],
        }
        return {
            "schema": SCHEMA,
            "turn": self.turn,
            "generations": list(self.generations),
            "outcome": None if self.outcome is None else str(self.outcome),
            "voice_to_voice": self.voice_to_voice,
            "contributions": self.contributions(),
            "residue": self.residue,
            "face_lateness": self.face_lateness,
            "lip_skew": self.lip_skew,
            "face_missing": self.face_missing,
            "barge_in_latency": self.barge_in_latency,
            "sound_seconds": self.sound_seconds,
            "wasted_seconds": self.wasted_seconds,
            "counts": {str(what): self.counts[what] for what in Count},
            "marks": dict(sorted(self.marks.items(), key=lambda item: item[1])),
            "called": list(self.called),
            "tools": [
                {
                    "time": tool.time,
                    "name": "" if tool.failure == "refused" else tool.name,  # the model may have made it up
                    "seconds": tool.seconds,
                    "guess": tool.guess,
                    "failure": tool.failure,
                }
                for tool in self.tools
            ],
            "utterance": {"seconds": self._between("voice_start", VOICE_END), "words": len(self.user.split())},
            "silences": [asdict(silence) for silence in self.silences],
            "decisions": [{"time": decision.time, "kind": decision.kind} for decision in self.decisions],
            "faults": [
                {"time": fault.time, "service": fault.service, "kind": fault.kind, "count": fault.count}
                for fault in self.faults
            ],
            **({"words": spoken} if words else {}),
        }

    def _between(self, first: str, last: str) -> float | None:
        if first in self.marks and last in self.marks:
            return self.marks[last] - self.marks[first]
        return None


def words_of(line: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was said in a turn, from its ledger as JSON, of any of the versions in :data:`READABLE`.

    Empty where the words were not kept.
    """
    words = line if line.get("schema") == 2 else line.get("words")
    return words if isinstance(words, Mapping) else {}
