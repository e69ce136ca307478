"""What is played: conversations to tune on, and others to prove with.

They are dealt by a hash of the conversation's name. So a conversation is never in both halves, and each stays where it
is when others come. What was mined is dealt already, by the same rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pipelines.home import expanded
from pipelines.insights.mining.mine import HALVES, half_of
from pipelines.scenarios.loading import load_scenario
from pipelines.scenarios.scenario import Scenario, ScenarioError, Talk

FEWEST_LINES: Final = 8
"""Lines of a half below which it says nothing about other people's."""


@dataclass(frozen=True, slots=True)
class Halves:
    """The conversations to ``tune`` on, and those to ``prove`` with."""

    name: str
    tune: Scenario
    prove: Scenario
    notes: Sequence[str] = ()

    @property
    def fingerprint(self) -> str:
        """Of everything that is played."""
        return f"{self.tune.fingerprint}-{self.prove.fingerprint}"


def in_proof(conversation: str) -> bool:
    """Whether a conversation proves, rather than being tuned on."""
    return half_of(conversation) == HALVES[1]


def load(sources: Iterable[str], language: str) -> Halves:
    """Everything that ``sources`` name. Raises :class:`ScenarioError` if it cannot be read, or a half is too small."""
    parts: dict[bool, dict[str, Talk]] = {False: {}, True: {}}
    notes: list[str] = []
    names = list(sources)
    for source in names:
        for scenario, proof in _loaded(source, language):
            notes += scenario.notes
            for talk in scenario.talks:
                place = in_proof(talk.name) if proof is None else proof
                named = _unlike(talk.name, parts)
                parts[place][named] = replace(talk, name=named)
    name = " + ".join(names)
    halves = [
        Scenario(f"{name}, to {half}", tuple(parts[proof].values())) for half, proof in zip(HALVES, parts, strict=True)
    ]
    for half in halves:
        if half.lines < FEWEST_LINES:
            raise ScenarioError(
                f"{half.name} has {half.lines} lines of {len(half.talks)} conversations; {FEWEST_LINES} lines are "
                "needed. Name more conversations; bundled has enough."
            )
    return Halves(name, halves[0], halves[1], notes)


def _loaded(source: str, language: str) -> Iterable[tuple[Scenario, bool | None]]:
    """What a source holds, and whether it proves; None: that is to be dealt."""
    mined = [expanded(source) / half for half in HALVES]
    if not any((folder / "manifest.csv").is_file() for folder in mined):
        yield load_scenario(source, language=language), None
        return
    for proof, folder in enumerate(mined):
        if _has_lines(folder):
            yield load_scenario(folder, language=language), bool(proof)


def _has_lines(folder: Path) -> bool:
    return (folder / "manifest.csv").is_file() and len((folder / "manifest.csv").read_bytes().splitlines()) > 1


def _unlike(name: str, parts: dict[bool, dict[str, Talk]]) -> str:
    """The name, or one that nobody has yet."""
    taken = parts[False].keys() | parts[True].keys()
    number, found = 1, name
    while found in taken:
        number, found = number + 1, f"{name} ({number + 1})"
    return found
