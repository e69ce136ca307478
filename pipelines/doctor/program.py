"""The command line of the doctor."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console

from pipelines.doctor.checklist import Check, Context, run_checks
from pipelines.doctor.containers import CONTAINERS
from pipelines.doctor.face_model import FACE_MODEL
from pipelines.doctor.finding import PHASES, Finding, Phase, exit_code, fail
from pipelines.doctor.framework import framework
from pipelines.doctor.host import ARM, Host, LocalHost, printable
from pipelines.doctor.integration import INTEGRATION
from pipelines.doctor.inventory import INVENTORY
from pipelines.doctor.learning import LEARNING
from pipelines.doctor.libraries import CUDA, PROGRAMS
from pipelines.doctor.machine import MACHINE
from pipelines.doctor.manifest import Manifest, as_yaml, find_manifest, read_manifest, recorded
from pipelines.doctor.render import Shown, as_json
from pipelines.doctor.turn_model import TURN_MODEL
from pipelines.embedded.process import ServiceFailed
from pipelines.embedded.supervisor import EmbeddedServices
from pipelines.home import HomeUnusable, home
from pipelines.log import logging_to_file
from pipelines.settings.arguments import add_settings, configs, settings_of
from pipelines.settings.model import Settings, SettingsError
from pipelines.settings.outputs import Output, add_force, check_outputs, output, printed_aside, read_by, write_text

BASE: Final = (*MACHINE, *CUDA, *CONTAINERS, *PROGRAMS, *INVENTORY, FACE_MODEL, TURN_MODEL, *LEARNING)

_WHY_EMBEDDED: Final = "the settings ask for the services that come with the project"

WATCH_SECONDS: Final = 10.0
"""Between the end of a look and the next one."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the doctor; returns the exit code: 0 all well, 1 some ``!``, 3 some ``✗``, 2 wrong arguments or settings."""
    args = _parser().parse_args(arguments)
    if args.watch and args.phase == ["integration"]:
        print("--watch does not repeat the integration phase: a turn every few seconds is load.", file=sys.stderr)
        return 2
    try:
        settings = settings_of(args)
        host = LocalHost()
        path = find_manifest(default_manifest(settings, host) if args.manifest is None else args.manifest)
        manifest = read_manifest(path)
        phases = tuple(phase for phase in PHASES if phase in (args.phase or PHASES))
        if args.write_manifest and "base" not in phases:
            raise SettingsError(["--write-manifest records what the base phase finds: name --phase base, too."])
        outputs = (Output("--json", args.json), Output("--write-manifest", args.write_manifest))
        check_outputs(outputs, (path, *read_by(configs(args), settings)), force=args.force)
        if args.watch:
            phases = tuple(phase for phase in phases if phase != "integration")
        with logging_to_file(), printed_aside(args.json, args.write_manifest):
            return asyncio.run(_run(args, settings, manifest, path.name, phases, host=host))
    except SettingsError as error:
        print("\n".join(error.lines), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def default_manifest(settings: Settings, host: Host) -> str:
    """The manifest that the settings name, or the one that fits this machine.

    Of the DGX machines only the Spark has an Arm processor. Whatever is no DGX is measured as a laptop.
    """
    if settings.stack.manifest is not None:
        return settings.stack.manifest
    if host.read("/etc/dgx-release") is None and "DGX" not in (host.read("/sys/class/dmi/id/product_name") or ""):
        return "laptop.yaml"
    return "dgx-spark.yaml" if host.kernel()[1] in ARM else "dgx-guide.yaml"


Prepare = Callable[[], Awaitable[Settings]]
"""Makes the services ready that the phases after the first need; raises ``ServiceFailed`` and ``OSError``."""


async def examine(
    prepare: Prepare, settings: Settings, manifest: Manifest, phases: Sequence[Phase], host: Host, *, shown: Shown
) -> list[Finding]:
    """Goes through ``phases`` and returns all findings, telling ``shown`` of each as soon as it is its turn."""
    findings: list[Finding] = []
    for phase in phases:
        if phase != "base":
            try:
                settings = await prepare()
            except (ServiceFailed, OSError) as error:
                findings.append(_not_started(phase, error))
                with shown.phase(phase, ()):
                    shown.add(findings[-1])
                return findings
        checks = _checks(phase, settings)
        with shown.phase(phase, [check.title for check in checks]):
            # Closed before asyncio ends what is left: a tool of which it ends the start is waited for for ever.
            async with aclosing(run_checks(checks, Context(host, manifest, settings))) as found:
                async for finding in found:
                    findings.append(finding)
                    shown.add(finding)
    return findings


def _not_started(phase: Phase, error: ServiceFailed | OSError) -> Finding:
    if isinstance(error, ServiceFailed):
        result = fail(printable(str(error)), printable(error.hint))
    else:
        found = str(error) if isinstance(error, HomeUnusable) else f"{error.filename}: {error.strerror}"
        result = fail(printable(found), "export SOPHIA_HOME=~/.local/share/sophia  # or another folder of yours")
    return Finding(phase, "services", "embedded", "embedded services", _WHY_EMBEDDED, result, 0)


def _checks(phase: Phase, settings: Settings) -> Sequence[Check]:
    return {"base": lambda: BASE, "framework": lambda: framework(settings), "integration": lambda: INTEGRATION}[phase]()


async def _run(
    args: argparse.Namespace,
    settings: Settings,
    manifest: Manifest,
    name: str,
    phases: Sequence[Phase],
    *,
    host: Host,
) -> int:
    console = Console(highlight=False, markup=False)
    embedded = settings.embedded_services if set(phases) != {"base"} else ()
    async with AsyncExitStack() as stack:
        ready = settings

        async def prepare() -> Settings:
            nonlocal ready
            if ready.embedded_services:
                services = await stack.enter_async_context(EmbeddedServices(settings, home(), print))
                ready = services.settings.model_copy(update={"embedded": False})  # they run: nobody starts them again
            return ready

        while True:
            if args.watch and console.is_terminal:
                console.clear()
            console.print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, expected: {manifest.title} ({name})")
            shown = Shown(console, embedded)
            findings = await examine(prepare, settings, manifest, phases, host, shown=shown)
            shown.end(findings)
            date = datetime.now(UTC).isoformat(timespec="seconds")
            if args.json:
                _write(args.json, as_json(findings, embedded, date=date, manifest=manifest.title) + "\n")
            if args.write_manifest:
                _write(args.write_manifest, as_yaml(recorded(f"recorded {date}", findings)))
            if not args.watch:
                return exit_code(findings)
            await asyncio.sleep(WATCH_SECONDS)


def _write(path: Path, text: str) -> None:
    """Writes a file as a whole: somebody may be reading it while ``--watch`` goes on."""
    try:
        write_text(path, text)
    except OSError as error:
        raise SettingsError([f"{error.filename} cannot be written: {error.strerror or error}."]) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.doctor",
        description="Tells what of this machine and of the services works, what does not, and what to do about it.",
        epilog="Exit code: 0 all well, 1 look at something (!), 3 something broken (✗), 2 wrong arguments, 130 Ctrl+C.",
    )
    add_settings(parser)
    parser.add_argument("--phase", action="append", choices=PHASES, help="only this one; may be repeated")
    parser.add_argument("--json", type=output, metavar="FILE", help="write the findings as JSON, too")
    parser.add_argument("--watch", action="store_true", help=f"look again every {WATCH_SECONDS:g} s, until Ctrl+C")
    parser.add_argument(
        "--manifest", metavar="FILE", help="what is expected; a bare name is looked up in configs/stack/"
    )
    parser.add_argument("--write-manifest", type=output, metavar="FILE", help="record what this machine has")
    add_force(parser)
    return parser
