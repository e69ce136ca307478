"""A proposal with its evidence: what a person reads before approving, and what is kept beside the version."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import yaml

from pipelines.improve.find import Candidate, Proof, Tried
from pipelines.improve.identified import Said
from pipelines.improve.measures import GUARDRAILS, RULES, Conversation
from pipelines.improve.soundbites import Halves
from pipelines.machine.environment import config_hash, project_version
from pipelines.settings.model import Settings, shareable
from pipelines.settings.tunable import PARAMETERS
from pipelines.versions.version import Change, Version, evidence_hash, proposed

NAME = "pipelines.improve"
_WHY = {parameter.key: parameter.why for parameter in PARAMETERS}


def report(conversations: Sequence[Conversation]) -> dict[str, Any]:
    """How conversations went: the mean of each guardrail over them."""
    found: dict[str, Any] = {
        "conversations": len(conversations),
        "turns": sum(len(one.turns) for one in conversations),
    }
    for rule in GUARDRAILS:
        values = [value for one in conversations if (value := rule.of(one)) is not None]
        if values:
            found[f"{rule.name}, {rule.unit}"] = round(rule.scale * sum(values) / len(values), 2)
    return found


@dataclass(frozen=True, slots=True)
class Case:
    """What a proposal rests on: the candidate, how it did, and what the log says. ``log`` is :func:`report`'s."""

    candidate: Candidate
    proof: Proof
    told: Mapping[str, Said]
    log: Mapping[str, Any]
    how: Tried

    @property
    def experiment(self) -> bool:
        """Whether the log does not identify what some change does to people: then a small canary has to tell."""
        return any(one.known == "unknown" for one in self.told.values())

    def changes(self) -> list[dict[str, Any]]:
        """Each change, and what is known of it."""
        return [
            {"key": key, "was": was, "now": now, "log": self.told[key].known, "log_says": self.told[key].line}
            for key, (was, now) in self.candidate.changes.items()
        ]


def evidence(case: Case, settings: Settings, halves: Halves) -> str:
    """Everything that the proposal rests on, as JSON."""
    candidate, comparison = case.candidate, case.proof.comparison
    held = {
        "schema": 1,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "sophia": project_version(),
        "configuration": config_hash(shareable(settings)),
        "log": dict(case.log),
        "changes": case.changes(),
        "soundbites": {
            "name": halves.name,
            "fingerprint": halves.fingerprint,
            "lines": [halves.tune.lines, halves.prove.lines],
        },
        "simulated": case.how.profile.name,
        "trials": candidate.trials,
        "rounds": case.how.rounds,
        "seed": case.how.seed,
        "tuned": {"before": asdict(candidate.before), "after": asdict(candidate.after)},
        "proof": comparison.as_dict() if comparison else None,
        "guardrails": RULES,
    }
    return json.dumps(held, indent=1, sort_keys=True, default=str) + "\n"


def version(candidate: Candidate, text: str, parent: str) -> Version:
    """The version that the candidate would be."""
    changes = {key: Change(was=was, now=now) for key, (was, now) in candidate.changes.items()}
    return proposed(changes, parent, evidence_hash(text), RULES, by=NAME)


def as_yaml(made: Version, case: Case) -> str:
    """The file that a person reads."""
    before, after = case.candidate.before, case.candidate.after
    held = {
        "version": made.id,
        "parent": made.parent or None,
        "state": made.state,
        "experiment": case.experiment,
        "changes": [{**change, "why": _WHY[change["key"]]} for change in case.changes()],
        "conversations": dict(case.log),
        "tuned": {
            "services": f"simulated ({case.how.profile.name})",
            "wait_ms": [round(1000 * before.voice_to_voice), round(1000 * after.voice_to_voice)],
            "false_cutoffs_per_100_lines": [round(before.false_cutoffs, 1), round(after.false_cutoffs, 1)],
            "wasted_speculations_per_100_lines": [round(before.wasted, 1), round(after.wasted, 1)],
        },
        "proof": case.proof.lines(),
        "evidence": made.evidence,
        "guardrails": made.guardrails,
    }
    about = (
        "# Proposed by python -m pipelines.improve; nothing was changed. Figures of replays are simulated.\n"
        f"# To agree: python -m pipelines.improve approve {made.id}\n"
    )
    return about + yaml.safe_dump(held, sort_keys=False, allow_unicode=True, width=110)
