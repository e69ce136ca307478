"""The whole loop on simulated users: a poor setting is planted, found, proven, approved, tried and made live.

    python -m benchmarks.closed_loop [--keep DIR]

Then a bad version is planted as if somebody had approved it, and has to be withdrawn. Commands are those that people
type. Services, users and time are simulated; the judge, the store, the tables and turn taking are the real ones.
"""

from __future__ import annotations

import argparse
import json
import shlex
import tempfile
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from benchmarks.simulated_users import People, World, tomorrow, write_folder
from pipelines.command.run import run
from pipelines.improve.__main__ import main as improve
from pipelines.improve.measures import RULES
from pipelines.improve.rollout import Watch, lines
from pipelines.improve.verdict import Judgement
from pipelines.insights.ingest import ingest
from pipelines.insights.sources import found
from pipelines.insights.tables import Insights
from pipelines.scenarios.loading import load_scenario
from pipelines.settings.model import Settings, load_settings
from pipelines.settings.tunable import value_at
from pipelines.simulation.profile import load_profile
from pipelines.versions.arms import Arms, plan
from pipelines.versions.store import Store
from pipelines.versions.version import Change, evidence_hash, proposed

PLANTED = 0.6
"""``turns.pause_complete`` of the configuration: twice what it should be."""

CONFIG = ("--config", "embedded.yaml", "--set", f"turns.pause_complete={PLANTED}")
BATCH = 48
"""Conversations between two looks."""

MOST = 30
"""Looks."""


class Loop:
    """The loop in one folder."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.seed = folder, seed
        self.ledgers, self.tables = folder / "ledgers", folder / "insights"
        self.ledgers.mkdir(parents=True, exist_ok=True)
        self.settings: Settings = load_settings("embedded.yaml", {"turns.pause_complete": str(PLANTED)}, {})
        self.store = Store(folder / "versions")
        self.arms = Arms(self.store, self.settings, print)
        self.people = People(load_scenario("bundled"))
        self.world = World(load_profile("nvidia-4xh100"), self.ledgers, tomorrow(), seed)

    def command(self, *words: str) -> int:
        """A command as it is typed, without the options that say where everything is."""
        typed = shlex.join(word.removeprefix(f"{self.folder}/") for word in words if word != "--force")
        print(f"\n$ python -m pipelines.improve {typed}", flush=True)
        place = ("--set", f"insights.versions={self.folder / 'versions'}")
        code = improve([*words, *CONFIG, *place])
        print(f"exit code {code}", flush=True)
        return code

    def talk(self, number: int, seed: int) -> int:
        """So many more conversations, in their arms; the number of their turns."""
        return self.world.talk(self.people.talks(number, self.seed + seed), self.arms)

    def watch(self) -> Judgement:
        """Conversations and looks by turns, until it is decided."""
        watch = Watch(self.store, Insights(self.tables), self.ledgers, lambda: self._now)
        for look in range(MOST):
            self.talk(BATCH, 1000 + 100 * len(self.store.versions()) + look)
            seen = watch.look()
            assert seen is not None
            version, judged = seen
            if judged.action != "wait":
                print("\n".join(lines(version, judged)), flush=True)
                return judged
            print(f"look {look + 1}: {judged.why}", flush=True)
        raise AssertionError(f"undecided after {MOST} looks")

    @property
    def _now(self) -> float:
        return (self.world.date + timedelta(minutes=10)).timestamp()


def whole(folder: Path, seed: int) -> int:
    """Everything, in order; returns 0 if it went as it should."""
    loop = Loop(folder, seed)
    turns = loop.talk(120, 0)
    ingest(found([loop.ledgers]), loop.tables, keep_sound=14)
    print(f"{turns} turns of 120 simulated conversations with pause_complete {PLANTED} are in the tables.")
    write_folder(folder / "hard", loop.people.talks(48, seed + 7))
    out = folder / "proposal.yaml"
    code = loop.command(
        *("propose", str(folder / "hard"), "--tables", str(loop.tables), "--simulate", "nvidia-4xh100"),
        *("--only", "turns.pause_complete", "--trials", "24", "--out", str(out), "--force"),
    )
    if code != 10:
        return 1
    print(f"\n$ cat proposal.yaml\n{out.read_text('utf-8')}")
    first = loop.store.versions()[0].id
    loop.command("approve", first, "--yes", "Ann Lee")
    loop.command("canary", first, "--share", "0.5", "--yes", "Ann Lee")
    good = loop.watch()
    bad = [planted(loop, name, changes) for name, changes in HARM.items()]
    loop.command("status")
    return 0 if good.action == "promote" and all(one.action == "withdraw" for one in bad) else 1


HARM: Mapping[str, Mapping[str, float]] = {
    "whole sentences wait for 0.44 s": {"turns.pause_complete": 0.44},
    "she is hasty, and people are cut off": {
        "turns.pause_complete": 0.1,
        "turns.pause_open": 0.2,
        "turns.pause_unfinished": 0.4,
    },
}
"""Bad values. With a shorter pause than 0.34 s the wait is that for ears, mind and voice."""


def planted(loop: Loop, name: str, values: Mapping[str, float]) -> Judgement:
    """A version that somebody approved though it does harm; what the judge makes of it."""
    live = loop.store.live()
    settings = plan(loop.settings, live, None, print).control
    changes = {key: Change(was=value_at(settings, key), now=value) for key, value in values.items()}
    text = json.dumps({"planted": name})
    version = loop.store.add(proposed(changes, live[-1].id, evidence_hash(text), RULES, by="planted"), text)
    loop.store.move(version.id, "proven", "planted", "program", name)
    print(f"\nPlanted as if proven: {name}.")
    loop.command("approve", version.id, "--yes", "Ann Lee")
    loop.command("canary", version.id, "--share", "0.5", "--yes", "Ann Lee")
    return loop.watch()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep everything in this folder")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="loop-") as folder:
        return whole(args.keep or Path(folder), args.seed)


if __name__ == "__main__":
    run(main)
