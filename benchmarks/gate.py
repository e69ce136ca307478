"""How well replay's comparison finds a slower stage, and how many false alarms it raises: a Monte-Carlo experiment.

Runs are synthetic. Lines have their own delays, stages a log-normal jitter, and in some rounds the whole machine is a
bit slower. Now and then a busy host holds up a turn for 100 to 300 ms. Every figure is of such simulated runs.

    python -m benchmarks.gate                            everything, some ten minutes
    python -m benchmarks.gate --trials 20                a quick look
    python -m benchmarks.gate --json benchmarks/results/gate.json
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from pipelines.records.results import Run, Turn
from pipelines.replay.compare import LIMITS, Comparison, Least, Limits, compare
from pipelines.telemetry.ledger import CONTRIBUTIONS

MEANS: Mapping[str, float] = {
    "capture": 0.015,
    "asr": 0.180,
    "endpointing": 0.004,
    "llm": 0.130,
    "tools": 0.0,  # nothing is called
    "clause": 0.070,
    "tts": 0.090,
    "hold": 0.0,  # what is left until the turn is decided
    "playout": 0.012,
}
"""Of each stage, in seconds, before lines and chance spread them."""

SERVICES = ("capture", "asr", "llm", "clause", "tts", "playout")
"""The stages that gate."""


@dataclass(frozen=True, slots=True)
class World:
    """How synthetic turns scatter. Shares are standard deviations of logarithms; times are seconds.

    ``decided`` is when the turn is decided, from the end of the voice: sound that is ready before is held. ``drift``
    is of whole rounds, ``outliers`` the share of turns in which one stage is held up by 100 to 300 ms. ``slow`` is by
    how much the machine of the second run is slower in everything.
    """

    decided: float = 0.3
    of_lines: float = 0.25
    jitter: float = 0.08
    drift: float = 0.02
    outliers: float = 0.03
    missed: float = 0.01
    cut_off: float = 0.01
    slow: float = 0.0


def synthetic(
    rng: np.random.Generator,
    lines: np.ndarray,
    rounds: int,
    world: World,
    *,
    added: Mapping[str, float] | None = None,
    sessions: int = 1,
    slow: float = 0.0,
) -> Run:
    """A run of so many ``rounds`` over ``lines``, their delays by stage: shape ``(lines, stages)``, from :func:`scene`.

    ``added`` puts so many seconds into a stage of every turn; for ``hold`` the turn is decided that much later.
    """
    count = len(lines)
    shape = (sessions, rounds, count, len(CONTRIBUTIONS))
    extra = np.array([(added or {}).get(stage, 0.0) for stage in CONTRIBUTIONS])
    hold = CONTRIBUTIONS.index("hold")
    machine = np.exp(world.drift * rng.standard_normal((sessions, rounds, 1, 1))) * (1 + slow)
    times = lines * np.exp(world.jitter * rng.standard_normal(shape)) * machine
    held_up = rng.random(shape[:-1]) < world.outliers
    where = rng.choice([CONTRIBUTIONS.index(stage) for stage in SERVICES], shape[:-1])
    np.put_along_axis(
        times,
        where[..., None],
        np.take_along_axis(times, where[..., None], -1) + (held_up * rng.uniform(0.1, 0.3, shape[:-1]))[..., None],
        -1,
    )
    times += np.where(np.arange(len(CONTRIBUTIONS)) == hold, 0.0, extra)
    decided = (world.decided + extra[hold]) + 0.01 * rng.standard_normal(shape[:-1])
    times[..., hold] = np.maximum(0.0, decided - times[..., :hold].sum(-1))
    missed, cut = rng.random(shape[:-1]) < world.missed, rng.random(shape[:-1]) < world.cut_off
    errors = rng.binomial(8, 0.05, shape[:-1])
    barge = 0.18 * np.exp(world.jitter * rng.standard_normal(shape[:-1])) * machine[..., 0]
    turns = [
        Turn.model_construct(
            talk="synthetic", line=i, name=f"line {i}", round=r, session=s, at=0.0, seconds=2.0, voiced=(0.1, 1.9),
            outcome="missed" if missed[s, r, i] else "answered", reason="",
            voice_to_voice=None if missed[s, r, i] else float(times[s, r, i].sum()),
            contributions={} if missed[s, r, i] else dict(zip(CONTRIBUTIONS, times[s, r, i].tolist(), strict=True)),
            false_cutoffs=int(cut[s, r, i]), word_errors=int(errors[s, r, i]), words=8, as_expected=True,
            barge_in=float(barge[s, r, i]) if i % 4 == 3 else None,
        )
        for s, r, i in np.ndindex(shape[:-1])
    ]  # fmt: skip
    return Run.model_construct(
        scenario="synthetic", fingerprint="0" * 16, lines=count, rounds=rounds, sessions=sessions,
        simulated="synthetic", turns=tuple(turns),
    )  # fmt: skip


def scene(rng: np.random.Generator, lines: int, world: World) -> np.ndarray:
    """Each line's own delay by stage, shape ``(lines, stages)``."""
    return np.array(list(MEANS.values())) * np.exp(world.of_lines * rng.standard_normal((lines, len(MEANS))))


def trials(
    count: int, lines: int, rounds: int, world: World, *,
    added: Mapping[str, float] | None = None, sessions: int = 1, limits: Limits = LIMITS, seed: int = 0,
    resamples: int = 500,
) -> Iterator[Comparison]:  # fmt: skip
    """Compares so many pairs of runs; ``added`` is in the second of each."""
    for trial in range(count):
        rng = np.random.default_rng([seed, trial])
        delays = scene(rng, lines, world)
        base = synthetic(rng, delays, rounds, world, sessions=sessions)
        new = synthetic(rng, delays, rounds, world, added=added, sessions=sessions, slow=world.slow)
        yield compare(base, new, limits=limits, seed=trial, resamples=resamples)


USUAL = World()
WAITING = replace(USUAL, decided=0.9)
"""The turn is decided late: finished sound is held, and what a stage takes longer does not show."""
WORLDS = {
    "usual": USUAL,
    "quiet machine": replace(USUAL, jitter=0.03, drift=0.005, outliers=0.005),
    "busy machine": replace(USUAL, jitter=0.12, drift=0.04, outliers=0.06),
}
SIZES = ((6, 5), (12, 5), (8, 8), (24, 1))
"""Lines and rounds. With one round lines are exchanged instead of rounds."""
DELAY = 0.020


def rate(found: Sequence[bool]) -> float:
    return round(sum(found) / len(found), 4)


def blamed(comparison: Comparison, stage: str) -> bool:
    """Whether a regression was found and this stage is the first that is blamed."""
    return comparison.exit_code == 1 and bool(comparison.blame) and comparison.blame[0].stage == stage


def false_alarms(count: int) -> Iterator[dict[str, object]]:
    for name, world in WORLDS.items():
        for lines, rounds in SIZES:
            found = list(trials(count, lines, rounds, world, seed=1))
            causes = Counter(cause.name for comparison in found for cause in comparison.regressions)
            yield {
                "world": name, "lines": lines, "rounds": rounds, "trials": count,
                "false_alarms": rate([comparison.exit_code == 1 for comparison in found]), "causes": dict(causes),
            }  # fmt: skip


def power(count: int) -> Iterator[dict[str, object]]:
    for name, world in (("shown", USUAL), ("hidden", WAITING)):
        for stage in CONTRIBUTIONS if name == "shown" else SERVICES[1:5]:
            # Sound is only held where the turn is decided late.
            here = WAITING if stage == "hold" else world
            for lines, rounds in SIZES:
                found = list(trials(count, lines, rounds, here, added={stage: DELAY}, seed=2))
                waits = [timing for comparison in found if (timing := comparison.timing("voice-to-voice"))]
                yield {
                    "stage": stage, "delay": name, "lines": lines, "rounds": rounds, "trials": count,
                    "found": rate([comparison.exit_code == 1 for comparison in found]),
                    "found_and_blamed": rate([blamed(comparison, stage) for comparison in found]),
                    "voice_to_voice_slower": rate([timing.verdict == "slower" for timing in waits]),
                }  # fmt: skip


def slower_machine(count: int) -> Iterator[dict[str, object]]:
    for slow in (0.01, 0.02, 0.03, 0.05):
        for lines, rounds in ((12, 5), (8, 8)):
            found = list(trials(count, lines, rounds, replace(USUAL, slow=slow), seed=3))
            yield {
                "slower_by": slow, "lines": lines, "rounds": rounds, "trials": count,
                "alarms": rate([comparison.exit_code == 1 for comparison in found]),
                "causes": dict(Counter(cause.name for comparison in found for cause in comparison.regressions)),
            }  # fmt: skip


def limits(count: int) -> Iterator[dict[str, object]]:
    for seconds, share in ((0.005, 0.01), (0.010, 0.02), (0.015, 0.03), (0.020, 0.05)):
        for alarm in (0.01, LIMITS.alarm, 0.10) if seconds == LIMITS.median.seconds else (LIMITS.alarm,):
            chosen = Limits(median=Least(seconds, share), alarm=alarm)
            row: dict[str, object] = {"least_ms": seconds * 1000, "least_share": share, "alarm": alarm, "trials": count}
            row["false_alarms"] = rate([x.exit_code == 1 for x in trials(count, 12, 5, USUAL, limits=chosen, seed=4)])
            slow = replace(USUAL, slow=0.03)
            row["alarms_3_percent"] = rate(
                [x.exit_code == 1 for x in trials(count, 12, 5, slow, limits=chosen, seed=5)]
            )
            for stage in ("asr", "llm", "tts"):
                found = trials(count, 12, 5, USUAL, added={stage: DELAY}, limits=chosen, seed=6)
                row[f"blamed_{stage}"] = rate([blamed(comparison, stage) for comparison in found])
            yield row


PARTS = {"false_alarms": false_alarms, "power": power, "slower_machine": slower_machine, "limits": limits}
TITLES = {
    "false_alarms": "Two equal runs: how often the gate cries wolf (simulated)",
    "power": f"{DELAY * 1000:g} ms more in one stage: found, and blamed on it (simulated)",
    "slower_machine": "A machine that is slower in the whole second run: alarms (simulated)",
    "limits": "Other limits, 12 lines, 5 rounds (simulated)",
}


def show(console: Console, title: str, rows: Sequence[Mapping[str, object]]) -> None:
    table = Table(title=title, title_justify="left")
    for name in rows[0]:
        table.add_column(name.replace("_", " "))
    for row in rows:
        table.add_row(*(f"{value:g}" if isinstance(value, float) else str(value or "") for value in row.values()))
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="default: all")
    parser.add_argument("--trials", type=int, default=200, help="pairs of runs for each figure (default: 200)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    args = parser.parse_args()
    console = Console()
    began = time.monotonic()
    found: dict[str, object] = {
        "date": datetime.now(UTC).date().isoformat(), "services": "simulated", "trials": args.trials,
        "limits": str(LIMITS), "world": str(USUAL),
    }  # fmt: skip
    for name in args.parts or PARTS:
        rows = list(PARTS[name](args.trials))
        found[name] = rows
        show(console, TITLES[name], rows)
        if args.json:
            args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    console.print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
