"""Finds hard cases in takes and keeps the most telling of them, spread over sites, languages and lengths."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pipelines.insights.engines import run
from pipelines.insights.mining.clusters import clusters
from pipelines.insights.mining.folders import MANIFEST, Case, lines_of, table, write_case, write_manifest
from pipelines.insights.mining.kinds import KINDS, Hard, Turn, hard_cases
from pipelines.insights.mining.takes import Left, Told, read
from pipelines.insights.queries import percentiles, stored
from pipelines.insights.tables import Insights, length_of
from pipelines.scenarios.recorded import load_recording
from pipelines.scenarios.scenario import Talk
from pipelines.scenarios.spec import Unreadable
from pipelines.telemetry.ledger import VOICE_END

Half = str
HALVES: Final[tuple[Half, Half]] = ("tune", "prove")
"""What is found on one half is proven on the other: a conversation is in one of them, whole."""

MOST_OF_A_CONVERSATION: Final = 20
"""Cases, so that nobody's bad day becomes everybody's settings."""

FEWEST_TURNS: Final = 1000
"""Turns that the tables must hold before "slower than 99 of 100" says anything."""

INDEX: Final = "cases.csv"
CLUSTERS: Final = "clusters.csv"

_OF_WORDS: Final = ("misheard", "repeated", "reprompt")


@dataclass(slots=True)
class Mined:
    """What was found: cases by kind, before and after what is kept was chosen, and which takes were left out."""

    takes: int = 0
    turns: int = 0
    found: Counter[str] = field(default_factory=Counter)
    kept: list[Case] = field(default_factory=list)
    clusters: int = 0
    left: Left = field(default_factory=Left)
    notes: list[str] = field(default_factory=list)


def half_of(conversation: str) -> Half:
    """The half of a conversation; the same on every machine."""
    return HALVES[hashlib.sha256(conversation.encode()).digest()[0] & 1]


def slow_stages(tables: Insights) -> dict[str, float]:
    """By stage, the seconds that 99 of 100 turns stay below; empty where too few turns are known."""
    found = percentiles(run(stored(()), tables), (0.99,)) if tables.files("histograms") else {}
    return {key[-1]: p.values[0] / 1e6 for key, p in found.items() if p.n >= FEWEST_TURNS}


def mine(
    tables: Insights,
    takes: Sequence[Path],
    out: Path,
    *,
    kinds: Sequence[str] = tuple(KINDS),
    most: int = 100,
    progress: Callable[[str, int], None] = lambda what, further: None,
) -> Mined:
    """Writes at most ``most`` hard cases of each of ``kinds`` below ``out``, which is made.

    ``takes`` are folders (:func:`~pipelines.insights.mining.takes.find`); without consent to the sound, one is left
    out. ``out`` gets a folder for each half with a folder for each case, and a manifest of all of them: replay plays
    the half, or one case. ``progress`` is told of each take. Raises ``OSError``.
    """
    mined, slow = Mined(), slow_stages(tables)
    if not slow:
        mined.notes.append(f"no stage is called slow: the tables hold fewer than {FEWEST_TURNS} turns")
    candidates: list[_Candidate] = []
    seen = set()
    for folder in takes:
        progress(folder.name, 1)
        if told := read(folder, mined.left):
            if told.conversation in seen:
                mined.left.again += 1
                continue
            seen.add(told.conversation)
            mined.takes += 1
            mined.turns += len(told.turns)
            candidates += _of(told, hard_cases(told.turns, slow), kinds)
    mined.found.update(kind for candidate in candidates for kind in candidate.hard.why if kind in kinds)
    _write(mined, list(_chosen(candidates, kinds, most)), out)
    return mined


@dataclass(frozen=True, slots=True)
class _Candidate:
    told: Told
    hard: Hard
    turn: Turn
    why: Mapping[str, str]

    @property
    def length(self) -> str:
        voice = (self.turn.marks.get("voice_start"), self.turn.marks.get(VOICE_END))
        return length_of(None if None in voice else round((voice[1] - voice[0]) * 1e6))  # type: ignore[operator]

    @property
    def rank(self) -> str:
        """Chance decides among cases that tell the same, and decides alike every time."""
        return hashlib.sha256(f"{self.told.conversation} {self.hard.turn}".encode()).hexdigest()


def _of(told: Told, found: Iterable[Hard], kinds: Sequence[str]) -> Iterator[_Candidate]:
    turns = {turn.number: turn for turn in told.turns}
    for hard in found:
        if why := {kind: hard.why[kind] for kind in KINDS if kind in kinds and kind in hard.why}:
            yield _Candidate(told, hard, turns[hard.turn], why)


def _chosen(candidates: Sequence[_Candidate], kinds: Sequence[str], most: int) -> Iterator[_Candidate]:
    """Of each kind, by turns from each stratum, until there are enough."""
    taken: set[tuple[str, int]] = set()
    of_conversation: Counter[str] = Counter()
    for kind in (kind for kind in KINDS if kind in kinds):
        strata: dict[tuple[str, str, str], list[_Candidate]] = {}
        for candidate in sorted((c for c in candidates if kind in c.why), key=lambda c: c.rank, reverse=True):
            stratum = (candidate.told.site, candidate.told.language, candidate.length)
            strata.setdefault(stratum, []).append(candidate)
        room = most
        while room > 0 and strata:
            for stratum in sorted(strata):
                candidate = strata[stratum].pop()
                if not strata[stratum]:
                    del strata[stratum]
                key = (candidate.told.conversation, candidate.hard.turn)
                if key in taken:
                    room -= 1  # it is kept for what tells more, and counts here as well
                elif of_conversation[key[0]] < MOST_OF_A_CONVERSATION:
                    taken.add(key)
                    of_conversation[key[0]] += 1
                    room -= 1
                    yield candidate
                if room <= 0:
                    break


def _write(mined: Mined, chosen: Sequence[_Candidate], out: Path) -> None:
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    rows: dict[Half, list[dict[str, str]]] = {half: [] for half in HALVES}
    talks: dict[Path, Talk | None] = {}
    for candidate in sorted(chosen, key=lambda c: (str(c.told.folder), c.hard.turn)):
        folder = candidate.told.folder
        if folder not in talks:
            talks = {folder: _talk(folder, mined)}  # one at a time: they hold the sound
        if (talk := talks[folder]) is None:
            continue
        case = _case(candidate)
        lines = lines_of(talk, candidate.hard.turn, list(candidate.why))
        if not lines:
            mined.notes.append(f"{case.name}: its sound is lost, or nobody spoke; left out")
            continue
        rows[case.half] += write_case(case, lines, out / case.half, talk.tools or ())
        mined.kept.append(case)
    for half in HALVES:
        if rows[half]:
            write_manifest(out / half / MANIFEST, rows[half])
    _index(mined, out)


def _talk(folder: Path, mined: Mined) -> Talk | None:
    try:
        (talk,) = load_recording(folder, folder.name).talks
    except Unreadable as error:
        mined.notes.append("; ".join(error.lines))
        return None
    return talk


def _case(candidate: _Candidate) -> Case:
    told, hard = candidate.told, candidate.hard
    return Case(
        name=f"{next(iter(candidate.why))}-{told.conversation}-{hard.turn}",
        half=half_of(told.conversation),
        conversation=told.conversation,
        turn=hard.turn,
        date=told.date,
        why=dict(candidate.why),
        site=told.site,
        language=told.language,
        length=candidate.length,
        text=candidate.turn.user,
        take=told.folder,
    )


def _index(mined: Mined, out: Path) -> None:
    rows = [
        {
            "case": case.name,
            "half": case.half,
            "kinds": " ".join(case.why),
            "conversation": case.conversation,
            "turn": str(case.turn),
            "date": case.date,
            "site": case.site,
            "language": case.language,
            "length": case.length,
            "take": str(case.take),
        }
        for case in mined.kept
    ]
    columns = ("case", "half", "kinds", "conversation", "turn", "date", "site", "language", "length", "take")
    _private(out / INDEX, table(columns, rows))
    misheard = [case for case in mined.kept if case.text and set(_OF_WORDS) & set(case.why)]
    try:
        labels = clusters([case.text for case in misheard])
    except ImportError:
        mined.notes.append(
            "scikit-learn is not installed, so nothing is grouped: .venv/bin/python -m pip install -e '.[insights]'"
        )
        return
    mined.clusters = len({label for label in labels if label >= 0})
    grouped = sorted(zip(labels, misheard, strict=True), key=lambda pair: (pair[0] < 0, pair[0], pair[1].name))
    alike = [
        {"cluster": "" if label < 0 else str(label), "case": case.name, "text": case.text} for label, case in grouped
    ]
    _private(out / CLUSTERS, table(("cluster", "case", "text"), alike))


def _private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
