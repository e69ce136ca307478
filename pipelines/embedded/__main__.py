"""Runs the embedded services in the foreground, or does their set-up.

python -m pipelines.embedded                 # start all, show where they are, end with Ctrl+C
python -m pipelines.embedded --prepare       # certificates, the Triton environment, the language model
python -m pipelines.embedded --prepare --config spark.yaml   # … for what this configuration embeds
python -m pipelines.embedded --prepare --turn-model          # … and the turn model on audio, for turns.sound_veto
python -m pipelines.embedded --write my.yaml # … and a configuration that reaches them
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.certs import make_development_pki
from pipelines.command.run import run
from pipelines.command.stopping import told_to_stop
from pipelines.embedded.process import PROCESSES, ServiceFailed
from pipelines.embedded.speech.languages import ENGLISH
from pipelines.home import HomeUnusable, home
from pipelines.settings.layers import SettingsError, find_config
from pipelines.settings.outputs import Output, add_force, check_outputs, output, printed_aside, write_text

if TYPE_CHECKING:
    from pipelines.embedded.supervisor import EmbeddedServices

_TITLES = {"speech": "speech (Riva)", "triton": "llm (Triton)", "face": "face (Audio2Face-3D)"}

_HEAD = "# Written by python -m pipelines.embedded; good while that runs."

_TURN_MODEL = "turn model"
_SET_UP = {
    "speech": ("pipelines.embedded.speech.prepare", "prepare"),
    "triton": ("pipelines.embedded.triton.environment", "prepare"),
    _TURN_MODEL: ("pipelines.embedded.speech.prepare", "prepare_turn_model"),
}
"""Module and name of what is called with ``(home, report)``; the face needs none."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.embedded",
        description="Runs the services that come with the project: Riva-compatible speech, Nova on Triton, "
        "an Audio2Face-3D-compatible face; each behind TLS on a free loopback port.",
    )
    parser.add_argument("--prepare", action="store_true", help="do the set-up that the services need, then end")
    parser.add_argument(
        "--turn-model", action="store_true", help="with --prepare: fetch the turn model on audio as well (12 MB)"
    )
    parser.add_argument("--only", action="append", choices=PROCESSES, help="this service only; may be repeated")
    parser.add_argument(
        "--config",
        action="append",
        metavar="FILE",
        help="settings to start from; of the services those that it embeds, where it embeds any; may be repeated",
    )
    parser.add_argument("--write", metavar="FILE", type=output, help="write a configuration that reaches the services")
    add_force(parser)
    args = parser.parse_args(arguments)
    if args.turn_model and not args.prepare:
        parser.error("--turn-model goes with --prepare")
    console = Console(highlight=False)
    only = tuple(dict.fromkeys(args.only or ()))
    try:
        if args.prepare:
            embedded, language, sound = _asked_by(args.config) if args.config else (PROCESSES, ENGLISH, False)
            return prepare(home(), console, only or embedded, language, turn_model=sound or args.turn_model)
        read = [find_config(config) for config in args.config or ()]
        check_outputs([Output("--write", args.write, _written_by_us)], read, force=args.force)
        with printed_aside(args.write):
            return asyncio.run(_serve(args.config, only, args.write, console))
    except (SettingsError, ServiceFailed, OSError) as error:
        for line in getattr(error, "lines", (str(error),)):
            print(line, file=sys.stderr)
        if isinstance(error, ServiceFailed) and error.hint:
            print(f"{error.hint}.", file=sys.stderr)
        return 2 if isinstance(error, SettingsError | HomeUnusable) else 3
    except asyncio.CancelledError:  # stopped before everything was up
        return 130


def prepare(
    folder: Path,
    console: Console,
    only: Sequence[str] = PROCESSES,
    language: str = ENGLISH,
    *,
    turn_model: bool = False,
) -> int:
    """Does every service's set-up, showing progress; returns 0, or 1 if one failed. Quick when nothing is to do.

    ``turn_model``: fetches that on audio as well.
    """
    begun = time.monotonic()
    make_development_pki(folder / "tls")
    failed = 0
    for name in (*only, *((_TURN_MODEL,) if turn_model else ())):
        if name not in _SET_UP:
            continue
        with console.status(f"Setting up {name} …") as status:

            def report(line: str) -> None:
                status.update(escape(line))
                console.print(f"  {escape(line[:1].upper() + line[1:])}", soft_wrap=True)

            try:
                spoken = {"language": language} if name == "speech" else {}
                module, function = _SET_UP[name]
                getattr(importlib.import_module(module), function)(folder, report, **spoken)
            except (OSError, RuntimeError, ImportError) as error:
                failed = 1
                # Not wrapped: it may hold a command to be copied.
                console.print(f"  {name}: [red]set-up failed:[/] {escape(str(error))}", soft_wrap=True)
    if not failed:
        console.print(
            f"Set-up is complete ({time.monotonic() - begun:.1f} s); it is kept in {escape(str(folder))}.",
            soft_wrap=True,
        )
    return failed


def _asked_by(config: Sequence[str]) -> tuple[Sequence[str], str, bool]:
    """The processes that a configuration wants, its language, and whether it listens to how turns sound."""
    from pipelines.embedded.supervisor import needed  # noqa: PLC0415  # 0.4 s that a set-up without one saves
    from pipelines.settings.model import load_settings  # noqa: PLC0415

    settings = load_settings(config)
    return needed(settings), settings.language, settings.turns.sound_veto > 0


async def _serve(config: Sequence[str] | None, only: Sequence[str], write: Path | None, console: Console) -> int:
    # Imported here, since the set-up, which `make talk` goes through at every start, needs none of it.
    from pipelines.embedded.supervisor import EmbeddedServices, needed  # noqa: PLC0415
    from pipelines.settings.model import load_settings  # noqa: PLC0415

    settings = load_settings(config)
    only = only or needed(settings) or PROCESSES
    serving = asyncio.current_task()
    assert serving is not None
    told = False

    def stop() -> None:  # once: stopping takes 2 s at most and is not itself to be interrupted
        nonlocal told
        if not told:
            told = True
            serving.cancel()

    with told_to_stop(stop, within=None):
        async with EmbeddedServices(settings, home(), lambda line: console.print(escape(line)), only=only) as services:
            console.print(_table(services))
            if write is not None:
                await asyncio.to_thread(_write, write, services)
                console.print(f"Talk to them: python -m pipelines.voice_loop --config {escape(str(write))}")
            console.print("Ctrl+C ends them.")
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.get_running_loop().create_future()
    return 0


def _table(services: EmbeddedServices) -> Table:
    table = Table(title="Embedded services", title_justify="left", caption_justify="left")
    table.add_column("service", overflow="fold")
    table.add_column("gRPC over TLS", no_wrap=True)
    table.add_column("also", overflow="fold")
    for name in (name for name in PROCESSES if name in services.running):
        ready = services.running[name].ready
        also = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in ready.items() if key != "port")
        table.add_row(_TITLES[name], services.endpoint(name).target, escape(also))
    log = next(iter(services.running.values())).log
    table.caption = f"authority: {escape(str(services.tls / 'ca.crt'))}\nlogs: {escape(str(log.parent))}"
    return table


def _write(path: Path, services: EmbeddedServices) -> None:
    """A configuration that reaches what runs, with everything else at its default."""

    def reached(name: str) -> dict[str, object]:
        return {"target": services.endpoint(name).target, "tls": {"ca": str(services.tls.absolute() / "ca.crt")}}

    sections: dict[str, object] = {"embedded": False}
    if "speech" in services.running:
        sections |= {"asr": {"endpoint": reached("speech")}, "tts": {"endpoint": reached("speech")}}
    if "triton" in services.running:
        sections["llm"] = {"endpoint": reached("triton")}
    if "face" in services.running:
        sections["face"] = {"endpoint": reached("face")}
    elif services.running:
        sections["face"] = {"enabled": False}
    write_text(path, f"{_HEAD}\n{yaml.safe_dump(sections, sort_keys=False)}")


def _written_by_us(path: Path) -> bool:
    return path.read_bytes()[: len(_HEAD)] == _HEAD.encode()


if __name__ == "__main__":
    run(main)
