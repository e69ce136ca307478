"""``python -m pipelines.improve propose``: looks at the log, tunes on one half, proves on the other, and proposes."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from pipelines.improve.data import SilenceRow, conversations, silences
from pipelines.improve.find import Candidate, Proof, Tried, prove, tune
from pipelines.improve.identified import said
from pipelines.improve.proposal import Case, as_yaml, evidence, report, version
from pipelines.improve.soundbites import Halves, load
from pipelines.insights.errors import InsightsError
from pipelines.insights.mining.mine import mine
from pipelines.insights.mining.takes import find
from pipelines.insights.tables import Insights
from pipelines.scenarios.scenario import ScenarioError
from pipelines.settings.model import Settings, SettingsError
from pipelines.settings.outputs import Output, check_outputs, read_by, shown, write_bytes
from pipelines.settings.tunable import Value, ranges
from pipelines.simulation.profile import load_profile
from pipelines.tune.score import NothingAnswered
from pipelines.tune.search import Trial
from pipelines.versions.arms import plan
from pipelines.versions.store import Store, StoreError
from pipelines.versions.version import Version

NOTHING, PROPOSAL = 0, 10
"""Exit codes."""

TOLD_EVERY = 20
"""Trials between two lines of progress."""


@dataclass(slots=True)
class Propose:
    """One round of the loop, up to the proposal. ``configs`` are the files that ``settings`` came from."""

    settings: Settings
    store: Store | None
    configs: Sequence[str]
    args: argparse.Namespace
    console: Console = field(default_factory=lambda: Console(highlight=False))

    def run(self) -> int:
        """Returns the exit code."""
        try:
            return self._run()
        except (SettingsError, StoreError, InsightsError) as error:
            return _refuse(*error.lines)
        except ScenarioError as error:
            return _refuse(str(error))
        except NothingAnswered as nothing:
            return _refuse(f"With the current settings {nothing}.")
        except KeyboardInterrupt:
            return _refuse("Interrupted: nothing was proposed.", code=130)

    def _run(self) -> int:
        args = self.args
        if not args.dry_run:
            read = (*args.soundbites, args.simulate, *read_by(self.configs, self.settings))
            check_outputs([Output("--out", args.out)], read, force=args.force)
        live = self.store.live() if self.store else []
        settings = plan(self.settings, live, None, self._print).control
        log, rows = self._log()
        how = Tried(load_profile(args.simulate), args.trials, args.repeat, args.seed, args.jobs)
        with tempfile.TemporaryDirectory(prefix="improve-") as voices:  # people's voices: for their owner, and not kept
            halves = self._soundbites(Path(voices), settings)
            candidate = self._tuned(settings, halves, how)
            if candidate is None:
                return NOTHING
            proof = self._proven(settings, candidate, halves, how)
        if not proof.holds:
            self._print(f"Nothing found: it does not hold on the other half. {proof.why}.")
            return NOTHING
        told = {key: said(key, float(was), float(now), rows) for key, (was, now) in candidate.changes.items()}
        case = Case(candidate, proof, told, log, how)
        for key, one in told.items():
            self._print(f"  {key}: {one.known}. {one.line[0].upper()}{one.line[1:]}.")
        if case.experiment:
            self._print("  An experiment: the log does not say what this does to people. Begin with a small canary.")
        text = evidence(case, settings, halves)
        return self._keep(version(candidate, text, live[-1].id if live else ""), case, text)

    def _soundbites(self, voices: Path, settings: Settings) -> Halves:
        args, sources = self.args, list(self.args.soundbites)
        if args.takes:
            if args.tables is None:
                raise SettingsError(["--takes needs --tables: what is slow is known from there"])
            out = voices / "mined"
            mined = mine(Insights(args.tables), find(args.takes), out)
            cases = f"{len(mined.kept)} hard cases of {mined.takes} consenting conversations"
            self._print(f"mine: {cases}" + (f"; {why}" if (why := "; ".join(mined.notes)) else ""))
            if mined.kept:
                sources.append(str(out))
        halves = load(sources or ["bundled"], settings.language)
        for note in halves.notes:
            self._print(note)
        return halves

    def _tuned(self, settings: Settings, halves: Halves, how: Tried) -> Candidate | None:
        first = halves.tune
        self._print(
            f"tune: {first.lines} lines of {len(first.talks)} conversations, services simulated as in "
            f"{how.profile.name}, {how.trials} trials"
        )
        candidate = tune(settings, ranges(settings, self.args.only), first, how, self._told)
        if candidate is None:
            self._print("Nothing found: no settings that were tried are better on the first half.")
        elif again := self._withdrawn(candidate):
            self._print(f"Nothing found: version {again} set the same and was withdrawn. A person may try it again.")
            return None
        else:
            self._show(candidate)
        return candidate

    def _proven(self, settings: Settings, candidate: Candidate, halves: Halves, how: Tried) -> Proof:
        second = halves.prove
        self._print(
            f"prove: {second.lines} lines of {len(second.talks)} other conversations, {how.rounds} rounds of each, "
            "against the current settings"
        )
        proof = prove(settings, candidate, second, how)
        for line in proof.lines():
            self._print(f"  {line}")
        return proof

    def _keep(self, made: Version, case: Case, text: str) -> int:
        if self.args.dry_run:
            self._print(f"Proposal {made.id}; a dry run keeps nothing:")
            print(as_yaml(made, case), end="")
            return PROPOSAL
        if self.store:
            self.store.add(made, text)
            made = self.store.move(made.id, "proven", made.history[0].by, "program", "it holds on the other half")
        else:
            self._print("insights.versions names no folder: the proposal is a file, and no version.")
        write_bytes(self.args.out, as_yaml(made, case).encode(), private=True)
        self._print(f"Proposal {made.id}: {shown(self.args.out)}. Nothing was changed.")
        return PROPOSAL

    def _log(self) -> tuple[dict[str, Any], list[SilenceRow]]:
        folder: Path | None = self.args.tables
        if folder is None:
            self._print("report: no --tables, so nothing is known of real conversations")
            return {}, []
        tables = Insights(folder)
        found = report(conversations(tables))
        self._print("report: " + ", ".join(f"{name}: {value}" for name, value in found.items()))
        return found, silences(tables)

    def _withdrawn(self, candidate: Candidate) -> str:
        """A version that set the same and was withdrawn; the program does not try that again."""
        values = {key: now for key, (_, now) in candidate.changes.items()}
        gone = [one for one in (self.store.versions() if self.store else []) if one.state == "withdrawn"]
        return next((one.id for one in gone if one.values == values), "")

    def _show(self, candidate: Candidate) -> None:
        before, after = candidate.before, candidate.after
        for key, (was, now) in candidate.changes.items():
            self._print(f"  {key}: {_told(was)} -> {_told(now)}")
        self._print(
            f"  on this half (simulated): wait {1000 * before.voice_to_voice:.0f} -> {1000 * after.voice_to_voice:.0f} "
            f"ms, false cut-offs {before.false_cutoffs:.1f} -> {after.false_cutoffs:.1f} per 100 lines"
        )

    def _told(self, number: int, trial: Trial | None) -> None:
        if number == 1 or number % TOLD_EVERY == 0:
            self._print(f"  {number} of {self.args.trials} tried")

    def _print(self, line: str) -> None:
        self.console.print(escape(line), soft_wrap=True)


def _told(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"


def _refuse(*lines: str, code: int = 2) -> int:
    print("\n".join(lines), file=sys.stderr)
    return code
