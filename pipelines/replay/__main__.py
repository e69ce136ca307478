"""Replay soundbites through the loop, measure every turn in the audio, and hold it against a baseline.

python -m pipelines.replay                                        the bundled soundbites, the embedded services
python -m pipelines.replay my/soundbites --config lab.yaml --repeat 5 --save-baseline good.json
python -m pipelines.replay my/soundbites --config lab.yaml --repeat 5 --baseline good.json --report report/
python -m pipelines.replay take/ --config lab.yaml                a recording made by voice_loop --record
python -m pipelines.replay --simulate nvidia-4xh100 --repeat 20   simulated services, on a virtual clock
python -m pipelines.replay --profile-from RUN --repeat 100        simulated, as slow as they were in RUN
python -m pipelines.replay --show RUN --report report/            an earlier run again
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from pipelines.command.run import run
from pipelines.home import expanded
from pipelines.settings.arguments import add_settings, settings_of
from pipelines.settings.model import SettingsError
from pipelines.settings.outputs import add_force, folder, output, printed_aside

EXIT_CODES = """\
exit codes: 0 no regression; 1 a regression, or no line at all was answered; 2 the runs cannot be compared, the
settings, or the soundbites; 3 a service is not there; 4 it is not trusted, or does not trust us; 5 it refused or
failed; 6 the disk; 130 interrupted: what was played is kept and can be resumed.

A run is kept in a folder (run.json, turns.jsonl), which --baseline, --profile-from and --show take as well.
What the figures mean: docs/latency.md. What can be replayed: docs/scenarios.md.
"""


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        prog="python -m pipelines.replay",
        description=__doc__,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument(
        "soundbites",
        nargs="?",
        default="bundled",
        help="a folder of WAV files (with or without a manifest), a WAV file, a recording, a scripted conversation in "
        "YAML, or bundled[/NAME] (default: bundled)",
    )
    play = p.add_argument_group("what is played")
    add_settings(play)
    play.add_argument(
        "--repeat",
        type=_count,
        default=1,
        metavar="N",
        help="rounds: play everything N times (default: 1; 5 or more for a baseline)",
    )
    play.add_argument(
        "--sessions", type=_count, default=1, metavar="N", help="conversations side by side, each N rounds (default: 1)"
    )
    play.add_argument(
        "--resume", type=expanded, metavar="RUN", help="go on with an interrupted run; same arguments again"
    )
    play.add_argument(
        "--dcgm",
        metavar="URL",
        help="ask this DCGM exporter for the GPUs' counters (default: this machine's GPUs, or an exporter beside us)",
    )
    simulated = p.add_argument_group("simulated services, on a virtual clock")
    simulated.add_argument(
        "--simulate",
        nargs="?",
        const="exact",
        metavar="PROFILE",
        help="a service profile: a YAML file, or the name of one in configs/profiles (default: exact)",
    )
    simulated.add_argument(
        "--profile-from", type=expanded, metavar="RUN", help="simulate services as slow as in this run"
    )
    simulated.add_argument("--save-profile", type=output, metavar="FILE", help="write that profile as YAML")
    simulated.add_argument("--seed", type=int, default=0, help="of the simulated delays (default: 0)")
    simulated.add_argument("--jobs", type=_count, metavar="N", help="processes (default: one for each processor)")
    out = p.add_argument_group("what comes of it")
    out.add_argument(
        "--out", type=folder, metavar="DIR", help="keep the run here (default: a new folder in .sophia/runs)"
    )
    out.add_argument(
        "--save-baseline", type=output, metavar="FILE", help="write the run as a baseline; an older one is replaced"
    )
    out.add_argument("--baseline", type=expanded, metavar="FILE", help="compare with this baseline or run")
    out.add_argument(
        "--report",
        type=folder,
        metavar="DIR",
        help="write a page with plots, JSON, CSV, OTLP and a Perfetto trace; an older report is replaced",
    )
    out.add_argument(
        "--show", type=expanded, metavar="RUN", help="play nothing: show, compare or report an earlier run"
    )
    add_force(out)
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the replay and returns its exit code."""
    args = arguments().parse_args(argv)
    try:
        settings = settings_of(args)
    except SettingsError as error:
        print("\n".join(error.lines), file=sys.stderr)
        return 2
    from pipelines.replay.program import Program  # noqa: PLC0415 - a mistake on the command line is told at once

    with printed_aside(args.save_baseline, args.save_profile):
        return Program(settings, args).run()


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 100_000:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and 100000")
    return number


if __name__ == "__main__":
    run(main)
