"""Judges what was played: what each line expects, and the laws that hold in every case.

The laws: a tool with effects runs only once its turn is decided. Nothing of a call is spoken. What has begun ends.
Nothing fails. She is never silent for long. Each turn's time adds up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from nova.tools import ToolCall
from pipelines.evals.case import Call, Expected
from pipelines.evals.player import Played
from pipelines.evals.tooling import holds
from pipelines.telemetry.ledger import Outcome

RESIDUE = 0.002
"""Seconds by which a turn's contributions may miss its voice-to-voice."""

_CALL = re.compile(
    r"</?\|?tool|<function|TOOLCALL|\[TOOL_|to=functions\.|\"(?:arguments|parameters|name)\"\s*:", re.IGNORECASE
)
_ANSWERED = (Outcome.REPLIED, Outcome.INTERRUPTED)
_SILENT = (Outcome.DROPPED, Outcome.KEPT, Outcome.JOINED)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was judged: ``line`` from 1, or 0 for a law; ``told`` says what was found where it is not so."""

    line: int
    what: str
    good: bool
    told: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A case, judged."""

    played: Played
    findings: tuple[Finding, ...]

    @property
    def good(self) -> bool:
        """Whether everything is as it has to be."""
        return all(finding.good for finding in self.findings)

    @property
    def latencies(self) -> list[float]:
        """Voice-to-voice of the turns that she answered, seconds."""
        return [one for ledger in self.played.turns if (one := ledger.voice_to_voice) is not None]


def judge(played: Played) -> Verdict:
    """The verdict on a case."""
    findings = [Finding(0, "the case was played", not played.problem, played.problem)]
    for place, line in enumerate(played.case.lines):
        findings += [Finding(place + 1, *found) for found in _line(played, place, line.expect)]
    findings += [Finding(0, *law) for law in _laws(played)]
    return Verdict(played, tuple(findings))


Found = tuple[str, bool, str]


def _line(played: Played, place: int, expect: Expected) -> Iterator[Found]:
    heard = played.heard(place)
    for pattern in expect.says:
        yield f"says {pattern}", bool(re.search(pattern, heard, re.IGNORECASE)), f"heard: {heard or 'nothing'}"
    for pattern in expect.says_not:
        yield f"does not say {pattern}", not re.search(pattern, heard, re.IGNORECASE), f"heard: {heard}"
    if expect.calls is not None:
        calls = played.calls(place)
        yield f"calls {_named(expect.calls)}", _called(calls, expect), f"called: {_made(calls)}"
    ledgers = [ledger for ledger in played.ledgers(place) if ledger.outcome not in _SILENT]
    if expect.outcome:
        outcomes = [str(ledger.outcome) for ledger in played.ledgers(place)]
        yield f"is {expect.outcome}", expect.outcome in outcomes, f"it was {', '.join(outcomes) or 'no turn'}"
    if expect.latency is not None:
        waits = [wait for ledger in ledgers if (wait := ledger.voice_to_voice) is not None]
        told = f"it took {max(waits):.2f} s" if waits else "she said nothing"
        yield f"within {expect.latency:g} s", bool(waits) and max(waits) <= expect.latency, told


def _named(calls: Sequence[Call]) -> str:
    return ", ".join(f"{call.tool}({_shown(call.given)})" for call in calls) or "nothing"


def _made(calls: Sequence[ToolCall]) -> str:
    return ", ".join(f"{call.name}({_shown(call.parsed())})" for call in calls) or "nothing"


def _shown(given: dict[str, Any]) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in given.items())


def _called(calls: Sequence[ToolCall], expect: Expected) -> bool:
    wanted = list(expect.calls or ())
    if len(wanted) != len(calls):
        return False
    if not expect.any_order:
        return all(_fits(call, one) for call, one in zip(calls, wanted, strict=True))
    for call in calls:
        fitting = next((one for one in wanted if _fits(call, one)), None)
        if fitting is None:
            return False
        wanted.remove(fitting)
    return True


def _fits(call: ToolCall, wanted: Call) -> bool:
    return call.name == wanted.tool and holds(call.parsed(), wanted.given, _same)


def _same(found: Any, wanted: Any) -> bool:
    """Whether an argument is the one that is wanted: a text as a regular expression, a number by its value."""
    if isinstance(wanted, bool) or not isinstance(wanted, str | int | float):
        return bool(found == wanted)
    if isinstance(wanted, str):
        return re.fullmatch(wanted, str(found).strip(), re.IGNORECASE) is not None
    try:
        return abs(float(found) - wanted) < 1e-9
    except (TypeError, ValueError):
        return False


def _laws(played: Played) -> Iterator[Found]:
    case = played.case
    effects = [pair for pair in played.started() if pair[1].name in case.tools and not case.tools[pair[1].name].reads]
    never = float("inf")
    early = [one for one, ran in effects if one.guess or played.commits.get(one.generation, never) > ran.at]
    told = f"ran for a guess: {_made([one.call for one in early])}"
    yield "tools with effects run once the turn is decided", not early, told
    if not case.wrong_calls:
        others = {one.call.name for one in played.begun} - played.offered
        yield "no tool is called that is not offered", not others, f"called: {', '.join(sorted(others))}"
    spoken = [text for text in _texts(played) if _is_call(text, played)]
    yield "nothing of a call is spoken", not spoken, f"said: {spoken[0][:120] if spoken else ''}"
    untold = len(played.ran) - len(played.started())
    yield "each run of a tool is told", untold == 0, f"{untold} were not"
    begun, ended = {one.call.id for one in played.begun}, [one.call_id for one in played.finished]
    told = f"{len(begun)} began, {len(ended)} ended"
    yield "each tool that began has ended, once", begun == set(ended) and len(begun) == len(ended), told
    faults = [f"{one.service}: {one.error}" for one in played.faults]
    yield "nothing fails", not faults, "; ".join(faults)[:300]
    answered = [ledger for ledger in played.turns if ledger.outcome in _ANSWERED]
    waits = [wait for ledger in answered if (wait := ledger.voice_to_voice) is not None]
    told = f"silent for {max(waits, default=0.0):.2f} s"
    yield f"never silent for more than {case.silence:g} s", max(waits, default=0.0) <= case.silence, told
    residue = max((abs(ledger.residue) for ledger in answered), default=0.0)
    yield "each turn's time adds up", residue <= RESIDUE, f"{residue * 1000:.1f} ms are missing"


def _texts(played: Played) -> list[str]:
    """What was heard, and what was meant to be in replies that were decided."""
    meant = [text for generation, text in played.texts.items() if generation in played.commits]
    return [*meant, *(ledger.heard for ledger in played.turns)]


def _is_call(text: str, played: Played) -> bool:
    names = {*played.case.tools, *(one.call.name for one in played.begun)}
    return bool(_CALL.search(text)) or any(
        re.search(rf"\b{re.escape(name)}\b" if "_" in name else rf"\b{re.escape(name)}\s*\(", text) for name in names
    )
