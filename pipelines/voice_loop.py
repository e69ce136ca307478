"""Talk to Sophia: microphone, recognition, turn taking, language model, synthesis, face, speaker.

python -m pipelines.voice_loop                          the embedded services, on this machine alone
python -m pipelines.voice_loop --config lab.yaml        a real lab
python -m pipelines.voice_loop --config lab.yaml --check    does everything answer?
python -m pipelines.voice_loop --soundbite hello.wav --once --json turns.jsonl --reply reply.wav
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pipelines.command.run import run
from pipelines.settings.arguments import add_settings, configs, settings_of
from pipelines.settings.model import Settings, SettingsError
from pipelines.settings.outputs import (
    Output,
    add_force,
    check_outputs,
    folder,
    output,
    outputs_of,
    printed_aside,
    read_by,
)

EXIT_CODES = """\
exit codes: 0 all went well; 1 a check failed, a soundbite was not understood, a sound device is missing, or a defect;
2 the settings; 3 a service is not there; 4 it is not trusted, or does not trust us; 5 it refused or failed; 6 the disk;
130 stopped while starting.

Any setting can be changed by --set KEY=VALUE, or in the environment: SOPHIA_TTS__RATE=16000.
`python -m pipelines.settings` lists them all.
"""


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        prog="python -m pipelines.voice_loop",
        description=__doc__,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_settings(p)
    what = p.add_mutually_exclusive_group()
    what.add_argument(
        "--check", action="store_true", help="connect to every service, warm it up, and show what answers; no talk"
    )
    what.add_argument("--graph", action="store_true", help="print the wired graph as Mermaid and end")
    p.add_argument(
        "--soundbite", nargs="+", type=Path, default=[], metavar="WAV", help="listen to these files, not a microphone"
    )
    p.add_argument("--once", action="store_true", help="end after the first reply")
    p.add_argument(
        "--json", type=output, metavar="FILE", help="write a line for each turn: latency ledger, texts, outcome"
    )
    p.add_argument("--reply", type=output, metavar="WAV", help="write her voice to a file instead of the loudspeaker")
    p.add_argument("--record", type=folder, metavar="DIR", help="record everything needed to replay the conversation")
    add_force(p)
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the voice loop and returns its exit code."""
    args = arguments().parse_args(argv)
    try:
        settings = settings_of(args)
        _check_files(settings, args)
    except SettingsError as error:
        print("\n".join(error.lines), file=sys.stderr)
        return 2
    if args.graph:
        from pipelines.talk.graph import mermaid  # noqa: PLC0415 - each way of running imports only what it needs

        source = ", ".join(path.name for path in args.soundbite)
        print(mermaid(settings, source=source, sink=str(args.reply or "")))
        return 0
    with printed_aside(args.json, args.reply):
        return _run(settings, args)


def _check_files(settings: Settings, args: argparse.Namespace) -> None:
    outputs = [Output("--json", args.json), Output("--reply", args.reply), *outputs_of(settings)]
    if args.record:
        from pipelines.takes.writer import FILES, RecordingError, check_free  # noqa: PLC0415

        try:
            check_free(args.record)
        except RecordingError as error:
            raise SettingsError([f"--record {error}."]) from None
        outputs += [Output("--record", args.record / name, lambda _: True, in_new_folder=True) for name in FILES]
    check_outputs(outputs, (*args.soundbite, *read_by(configs(args), settings)), force=args.force)


def _run(settings: Settings, args: argparse.Namespace) -> int:
    import uvloop  # noqa: PLC0415

    from pipelines.log import logging_to_file  # noqa: PLC0415

    if args.check:
        from pipelines.talk.check import check_all  # noqa: PLC0415

        with logging_to_file():
            return uvloop.run(check_all(settings))
    from pipelines.server.beside import her_page  # noqa: PLC0415
    from pipelines.talk.program import Options, talk  # noqa: PLC0415
    from pipelines.terminal.choose import open_display  # noqa: PLC0415

    options = Options(" + ".join(configs(args)), tuple(args.soundbite), args.once, args.json, args.reply, args.record)
    with logging_to_file():
        display = open_display()
        try:
            return uvloop.run(talk(settings, options, display, her_page if settings.server.enabled else None))
        finally:
            display.close()


if __name__ == "__main__":
    run(main)
