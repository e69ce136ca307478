"""Look after a Triton model repository.

python -m pipelines.models check                                    the models of this project
python -m pipelines.models check /models --json report.json         another repository
python -m pipelines.models place /models/nova_vllm --weights merged/    a fine-tuned model as a new version
python -m pipelines.models canary /models/nova_vllm --config lab.yaml   serve and try it beside the one that is served
python -m pipelines.models promote /models/nova_vllm --config lab.yaml  … serve it alone
python -m pipelines.models rollback /models/nova_vllm --config lab.yaml … or the old one alone

Folders are as this machine sees them; the server has to see the same files, with --model-control-mode=explicit.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import nova
from nova.errors import MindError
from nova.repository import versions
from nova.repository.check import check
from nova.repository.findings import Level
from nova.repository.modelconfig import ConfigError
from nova.repository.report import as_dict, shown
from nova.training.chats import DataError, write_private
from pipelines.command.run import run
from pipelines.settings.arguments import add_settings, configs, settings_of
from pipelines.settings.model import Settings, SettingsError
from pipelines.settings.outputs import (
    STANDARD_OUTPUT,
    Output,
    add_force,
    check_outputs,
    output,
    printed_aside,
    read_by,
    write_text,
)

if TYPE_CHECKING:
    import grpc

    from nova.repository.control import Metadata
    from nova.services.triton_client import TritonMind

OURS = Path(nova.__file__).parent / "models"

EXIT_CODES = """\
exit codes: 0 sound, or done; 1 errors (with --strict: or warnings), or refused; 2 the command line, the settings, or no
such folder; 3 the server is not there; 4 it is not trusted, or does not trust us; 5 it failed; 130 interrupted
"""


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        prog="python -m pipelines.models",
        description=__doc__,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = p.add_subparsers(dest="command", required=True)
    c = commands.add_parser("check", help="whether a repository would load and answer, told without a server")
    c.add_argument("path", nargs="?", type=Path, default=OURS, help="the repository (default: nova/models)")
    c.add_argument("--strict", action="store_true", help="warnings count as errors")
    c.add_argument("--json", type=output, metavar="FILE", help="write what was found")
    add_force(c)
    c = commands.add_parser("place", help="put a new version into the repository, complete and not served yet")
    c.add_argument("model", type=Path, help="the model's folder in the repository")
    source = c.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--weights", type=Path, metavar="DIR", help="a model folder: engine arguments as they are served"
    )
    source.add_argument("--copy", type=Path, metavar="DIR", help="a folder with all that the version shall hold")
    c.add_argument("--seen-as", default="", metavar="PATH", help="where the server sees --weights (the same path)")
    for name, says in (
        ("state", "which versions there are, should be served, and are"),
        ("canary", "serve the newest version beside the served one and ask both; back to the old one if it is worse"),
        ("promote", "serve the newest of the served versions alone, or the one that is named"),
        ("rollback", "serve the oldest of the served versions alone, or the one that is named"),
    ):
        c = commands.add_parser(name, help=says)
        c.add_argument("model", type=Path, help="the model's folder in the repository")
        add_settings(c)
        c.add_argument("--admin-key-file", type=Path, metavar="FILE", help="NAME=VALUE of a restricted repository API")
        if name == "canary":
            c.add_argument("--candidate", type=_version, metavar="N", help="the version to try (the newest)")
            c.add_argument(
                "--talks", type=Path, metavar="FILE", help="chats whose last questions are asked, as JSON lines"
            )
            c.add_argument("--most", type=_version, default=20, metavar="N", help="of them (20)")
            c.add_argument("--answers", type=output, metavar="FILE", help="write both versions' answers side by side")
            add_force(c)
        elif name != "state":
            c.add_argument("--version", type=_version, metavar="N", help="the version to serve")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    args = arguments().parse_args(argv)
    try:
        match args.command:
            case "check":
                return _check(args)
            case "place":
                return _place(args)
            case _:
                return asyncio.run(_served(args))
    except KeyboardInterrupt:
        return 130


def _check(args: argparse.Namespace) -> int:
    try:
        check_outputs([Output("--json", args.json)], [args.path], force=args.force)
        report = check(args.path)
        if args.json:
            write_text(args.json, json.dumps(as_dict(report), indent=2, ensure_ascii=False) + "\n")
    except (SettingsError, ConfigError) as problem:
        print(problem, file=sys.stderr)
        return 2
    except OSError as problem:
        print(f"{problem.filename} cannot be written: {problem.strerror or problem}", file=sys.stderr)
        return 2
    with printed_aside(args.json):
        print(shown(report))
    bad = report.count(Level.ERROR) + (report.count(Level.WARNING) if args.strict else 0)
    return int(bad > 0)


def _place(args: argparse.Namespace) -> int:
    try:
        fill = (
            versions.engine_version(args.model, args.weights, seen_as=args.seen_as)
            if args.weights
            else versions.copy_of(args.copy)
        )
        number = versions.place(args.model, fill)
        served = ", ".join(map(str, versions.served(args.model)))
    except ConfigError as problem:
        print(problem, file=sys.stderr)
        return 2
    print(f"✓ version {number} of {args.model.name} is placed; version {served} goes on being served")
    return 0


async def _served(args: argparse.Namespace) -> int:
    """Runs a command that talks to a server."""
    import grpc  # noqa: PLC0415 - a check needs none

    from nova.repository import serving  # noqa: PLC0415
    from nova.repository.control import ModelControl  # noqa: PLC0415
    from nova.repository.rollout import Rollout  # noqa: PLC0415
    from pipelines.services.channels import CredentialsError  # noqa: PLC0415
    from pipelines.services.diagnosis import diagnose  # noqa: PLC0415

    try:
        settings = settings_of(args)
        if args.command == "canary":
            read = [*read_by(configs(args), settings), *([args.talks] if args.talks else [])]
            check_outputs([Output("--answers", args.answers)], read, force=args.force)
        key = serving.admin_key(args.admin_key_file)
        talks = serving.talks(args.talks, args.most) if args.command == "canary" else ()
        if settings.llm.backend != "triton" or "llm" in settings.embedded_services:
            raise ConfigError(
                "these settings name no Triton of your own: --config FILE with llm.backend: triton, llm not embedded"
            )
    except (SettingsError, ConfigError, DataError) as problem:
        print(problem, file=sys.stderr)
        return 2
    try:
        async with _connected(settings, key) as (channel, metadata):
            rollout = Rollout(args.model, ModelControl(channel, metadata))
            if args.command == "state":
                return await serving.state(rollout)
            if args.command == "canary":
                mind = _minds(settings, rollout.model, channel, metadata)
                answers = functools.partial(_keep, args.answers) if args.answers else None
                with printed_aside(args.answers):
                    return await serving.canary(rollout, args.candidate, mind, talks, answers)
            return await serving.decide(rollout, args.command, args.version)
    except (ConfigError, MindError) as problem:
        print(problem, file=sys.stderr)
        return 1
    except (OSError, TimeoutError, grpc.aio.AioRpcError, CredentialsError) as error:
        failure = await diagnose(error, "llm", settings.llm.endpoint)
        print(f"{failure.line} {failure.hint}".strip(), file=sys.stderr)
        return failure.exit_code


def _keep(path: Path, text: str) -> None:
    """Writes what people asked and were answered: for its owner's eyes, where it is a file."""
    try:
        if path == STANDARD_OUTPUT:
            write_text(path, text)
        else:
            write_private(path, text)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from None


@asynccontextmanager
async def _connected(
    settings: Settings, key: Metadata
) -> AsyncIterator[tuple[grpc.aio.Channel, Callable[[], Metadata]]]:
    from pipelines.services.channels import metadata_for, open_channel, warm  # noqa: PLC0415

    endpoint = settings.llm.endpoint
    plain = metadata_for(endpoint)
    async with open_channel(endpoint) as channel:
        await warm(channel, endpoint.connect_seconds, plain())
        yield channel, lambda: (*plain(), *key)


def _minds(
    settings: Settings, model: str, channel: grpc.aio.Channel, metadata: Callable[[], Metadata]
) -> Callable[[int], TritonMind]:
    """The client of each version."""
    from nova.prompts import load_template  # noqa: PLC0415
    from nova.services.triton_client import TritonMind  # noqa: PLC0415

    template = load_template(settings.llm.template)

    def mind(version: int) -> TritonMind:
        wanted = settings.llm.model_copy(update={"model": model, "version": str(version)})
        return TritonMind(channel, wanted, metadata=metadata, template=template)

    return mind


def _version(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 2**31):
        raise argparse.ArgumentTypeError("must be a whole number from 1")
    return int(text)


if __name__ == "__main__":
    run(main)
