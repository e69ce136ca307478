"""How often she cuts a dictation off, and how long plain questions wait, on the virtual clock.

    python -m benchmarks.endpointing [--json FILE] [--show]

The scripts are in ``benchmarks/dictations``: numbers, codes, names, mail addresses, dates, addresses and prices, said
in pieces with pauses of 0.4 to 1.2 s. The word model was made on ``tuned.txt``. Each ``held_out`` script was written
before it was first measured, and says at its head what came of it. ``after_whole.txt`` pauses after what is whole.
``plain`` are questions, commands and statements that are whole, with what they waited before dictations were known.

Each is heard three times: with a full stop behind each piece and numbers in words, as Riva does; with figures for digit
words; and bare. The recogniser gives each piece's final 60 ms after its last sample. A dictation is cut off if the turn
is decided before its last piece is over.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from pipelines.machine.environment import environment
from pipelines.simulation.exact import Delays, OracleDetector, Says, SimulatedRecognizer, SimulatedUser
from pipelines.virtual_time import run as run_virtually
from sophia.decisions import Commit
from sophia.events import Tick, Transcribed
from sophia.turn_settings import TurnSettings
from sophia.turns import TurnTaking

FOLDER = Path(__file__).parent / "dictations"
LANGUAGES = {"en": "en-US", "de": "de-DE"}
SHORTEST, LONGEST = 0.4, 1.2
"""Seconds: the pauses within a dictation are spread evenly between these."""
SEED = 4
SCRIPTS = ("tuned", "held_out", "held_out_2", "held_out_3", "held_out_4", "after_whole")
PLAIN = ("plain", "plain_2")
FORMS = ("written", "figures", "bare")
FIGURES = {
    **{
        w: str(n)
        for n, w in enumerate(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
    },
    **{
        w: str(n)
        for n, w in enumerate(["null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"])
    },
    "oh": "0",
}


@dataclass(frozen=True, slots=True)
class Dictation:
    """What is said in pieces, in one form."""

    language: str
    kind: str
    form: str
    pieces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plain:
    """What is whole, in one form, and the silence in seconds that ended it before dictations were known."""

    language: str
    text: str
    form: str
    before: float


def in_form(text: str, form: str) -> str:
    """The text as a recogniser of that habit writes it."""
    if form == "bare":
        return re.sub(r"[.,?!]+(?=\s|$)", "", text).lower()
    if form == "figures":
        digits = "|".join(FIGURES)
        run = re.compile(rf"\b(?:{digits})(?: (?:{digits}))*\b", re.IGNORECASE)
        return run.sub(lambda found: "".join(FIGURES[word.lower()] for word in found[0].split()), text)
    return text


def rows(name: str) -> Iterator[list[str]]:
    """The lines of the script of that name, in columns."""
    for line in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield [column.strip() for column in line.split(" | ")]


def dictations(name: str) -> list[Dictation]:
    """Every dictation of a script in every form."""
    return [
        Dictation(LANGUAGES[language], kind, form, tuple(in_form(piece, form) for piece in pieces))
        for language, kind, *pieces in rows(name)
        for form in FORMS
    ]


def plain() -> list[Plain]:
    """Every question, command and answer that is whole, as written and bare."""
    return [
        Plain(LANGUAGES[language], in_form(text, form), form, float(seconds))
        for name in PLAIN
        for language, written, bare, text in rows(name)
        for form, seconds in (("written", written), ("bare", bare))
    ]


def decided(pieces: list[tuple[str, float, float]], language: str) -> list[float]:
    """When turns are decided, for pieces of ``(text, from, until)`` in seconds."""
    return run_virtually(_decided(pieces, language))


async def _decided(pieces: list[tuple[str, float, float]], language: str) -> list[float]:
    loop = asyncio.get_running_loop()
    turns = TurnTaking(TurnSettings(language=language))
    commits: list[float] = []
    timer: asyncio.TimerHandle | None = None

    def tell(event: object) -> None:
        nonlocal timer
        commits.extend(decision.at for decision in turns.tell(event) if isinstance(decision, Commit))  # type: ignore[arg-type]
        if timer:
            timer.cancel()
        timer = loop.call_at(turns.deadline, lambda: tell(Tick(at=loop.time()))) if turns.deadline is not None else None

    script = [Says(begin, text, end - begin) for text, begin, end in pieces]
    user = SimulatedUser(script, pieces[-1][2] + 4)
    detector, ears = OracleDetector(tell), SimulatedRecognizer(user, Delays())

    async def read() -> None:
        async for transcript in ears.transcripts():
            tell(Transcribed(at=loop.time(), transcript=transcript))

    reading = asyncio.create_task(read())
    async for frame in user.frames():
        ears.push(frame)
        detector.push(frame)
    await ears.aclose()
    await reading
    return commits


def said(pieces: tuple[str, ...], pauses: list[float]) -> list[tuple[str, float, float]]:
    """The pieces with their times: a third of a second for each word, on whole frames, and the pauses between."""
    at, timed = 1.0, []
    for piece, pause in zip(pieces, [*pauses, 0.0], strict=True):
        end = round(at + max(1, len(piece.split())) / 3, 2)
        timed.append((piece, at, end))
        at = round((end + pause) * 50) / 50
    return timed


def cut_off(dictation: Dictation, pauses: list[float]) -> int:
    """How many of a dictation's pauses she took for its end."""
    timed = said(dictation.pieces, pauses)
    commits = decided(timed, dictation.language)
    return sum(any(end <= at < begin for at in commits) for (_, _, end), (_, begin, _) in pairwise(timed))


def waits(question: Plain) -> float:
    """Seconds of silence until a plain question's turn is decided."""
    (piece,) = said((question.text,), [])
    return decided([piece], question.language)[0] - piece[2]


def measure(name: str, *, show: bool) -> dict[str, object]:
    """The share of false cut-offs in a script: of dictations with any, and of pauses."""
    chance = random.Random(SEED)
    everything = dictations(name)
    kinds: dict[str, list[int]] = {}
    pauses = cut = 0
    for dictation in everything:
        lengths = [chance.uniform(SHORTEST, LONGEST) for _ in dictation.pieces[1:]]
        wrong = cut_off(dictation, lengths)
        pauses, cut = pauses + len(lengths), cut + wrong
        kinds.setdefault(dictation.kind, []).append(int(wrong > 0))
        if wrong and show:
            print("  cut off:", dictation.language, dictation.form, " | ".join(dictation.pieces))
    total = [one for each in kinds.values() for one in each]
    return {
        "dictations": len(total),
        "cut_off_percent": round(100 * sum(total) / len(total), 1),
        "pauses": pauses,
        "pauses_cut_percent": round(100 * cut / pauses, 1),
        "by_kind": {kind: f"{sum(each)} of {len(each)}" for kind, each in kinds.items()},
    }


def measure_plain(*, show: bool) -> dict[str, object]:
    """What plain questions wait, beside what they waited before."""
    slower, waited, before = [], [], []
    for question in plain():
        now = waits(question)
        floor = max(question.before, Delays().final)
        waited.append(now)
        before.append(question.before)
        if now > floor + 0.021:  # the detector's frame
            slower.append(question.text)
            if show:
                print(f"  slower: {now:.2f} s instead of {question.before:.2f}: {question.text}")
    return {
        "questions": len(waited),
        "slower": len(slower),
        "mean_seconds": round(sum(waited) / len(waited), 3),
        "mean_seconds_before": round(sum(before) / len(before), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here")
    parser.add_argument("--show", action="store_true", help="print what was cut off or slower")
    args = parser.parse_args()
    results = {
        "machine": {**environment(), "services": "simulated"},
        **{name: measure(name, show=args.show) for name in SCRIPTS},
        "plain": measure_plain(show=args.show),
    }
    for name, result in results.items():
        if name != "machine":
            print(f"{name}: {json.dumps(result, ensure_ascii=False)}")
    if args.json:
        args.json.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
