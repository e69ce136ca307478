"""Measure a language model on any Triton: latency and throughput against load, batches, and clients compared.

python -m pipelines.nova_benchmark                                      the embedded model, its pace simulated
python -m pipelines.nova_benchmark --config lab.yaml --concurrency 1,2,4,8,16 --json nova.json --plot nova.html
python -m pipelines.nova_benchmark --config lab.yaml --rate 2,5,10      arrivals at a rate, whatever the server does
python -m pipelines.nova_benchmark --full-speed --compare               what the clients themselves cost
python -m pipelines.nova_benchmark --thresholds configs/benchmark/embedded.yaml    exit code 1 if a limit is missed
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nova
from pipelines.command.run import run
from pipelines.command.stopping import told_to_stop
from pipelines.settings.arguments import add_settings, configs, settings_of
from pipelines.settings.layers import read_yaml
from pipelines.settings.model import Settings, SettingsError
from pipelines.settings.outputs import Output, add_force, check_outputs, output, printed_aside, read_by, write_text

if TYPE_CHECKING:
    import tritonclient.grpc.aio as triton_aio
    from rich.console import Console

    from nova.benchmark.results import Report
    from nova.benchmark.suite import Plan
    from nova.benchmark.thresholds import Thresholds
    from pipelines.settings.endpoint import Endpoint
    from pipelines.settings.model import LlmSection

EXIT_CODES = """\
exit codes: 0 measured, and every threshold kept; 1 a threshold missed, or a defect; 2 the settings, the command line or
the thresholds; 3 the server is not there; 4 it is not trusted, or does not trust us; 5 it refused or failed; 6 the
disk; 130 interrupted: what was measured is shown and written.

What the figures mean: docs/nova-benchmark.md.
"""

ANSWER_SECONDS = 120.0
"""Longest time for one answer; an overloaded server queues, one that hangs must not hold the benchmark up for ever."""


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        prog="python -m pipelines.nova_benchmark",
        description=__doc__,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_settings(p)
    load = p.add_argument_group("what is measured")
    load.add_argument(
        "--concurrency", type=_counts, default=(1, 2, 4, 8, 16), metavar="N,…", help="requests in flight (1,2,4,8,16)"
    )
    load.add_argument(
        "--rate", type=_rates, default=(), metavar="R,…", help="Poisson arrivals, requests for each second (none)"
    )
    load.add_argument("--batch", type=_counts, default=(), metavar="N,…", help="prompts given together (none)")
    load.add_argument(
        "--compare", action="store_true", help="our client with tritonclient's and a bare gRPC loop, interleaved"
    )
    load.add_argument("--requests", type=_count, default=64, metavar="N", help="for each load (default: 64)")
    load.add_argument("--rounds", type=_count, default=6, metavar="N", help="of batches and comparison (default: 6)")
    load.add_argument("--max-tokens", type=_count, default=64, metavar="N", help="of each answer (default: 64)")
    load.add_argument("--warm-up", type=_count, default=4, metavar="N", help="unmeasured requests before (default: 4)")
    load.add_argument("--seed", type=int, default=1, help="of prompts and arrivals (default: 1)")
    load.add_argument(
        "--full-speed", action="store_true", help="serve the embedded mind without its pace: what is left is machinery"
    )
    out = p.add_argument_group("what comes of it")
    out.add_argument("--thresholds", type=Path, metavar="FILE", help="limits in YAML; exit code 1 if one is not kept")
    out.add_argument("--json", type=output, metavar="FILE", help="write everything that was measured")
    out.add_argument("--plot", type=output, metavar="FILE", help="write a page with plots (extra 'replay')")
    add_force(out)
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark and returns its exit code."""
    args = arguments().parse_args(argv)
    try:
        settings = settings_of(args)
        thresholds = _thresholds(args)
        _check(settings, args)
    except SettingsError as error:
        print("\n".join(error.lines), file=sys.stderr)
        return 2
    import uvloop  # noqa: PLC0415 - a mistake in the settings is told at once
    from rich.console import Console  # noqa: PLC0415

    from pipelines.log import logging_to_file  # noqa: PLC0415

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 150)
    with logging_to_file(), printed_aside(args.json, args.plot):
        try:
            return uvloop.run(_run(settings, args, thresholds, console))
        except (KeyboardInterrupt, asyncio.CancelledError):  # before anything was measured
            return 130


async def _run(settings: Settings, args: argparse.Namespace, thresholds: Thresholds, console: Console) -> int:
    from nova.benchmark.tables import shown  # noqa: PLC0415
    from pipelines.failures import explain  # noqa: PLC0415
    from pipelines.services.diagnosis import diagnose  # noqa: PLC0415

    report, code, failure = None, 0, None
    task = asyncio.current_task()
    assert task is not None
    endpoint: Endpoint | None = None
    with told_to_stop(task.cancel, within=None):
        try:
            async with _served(settings, args, console) as served:
                endpoint = served.llm.endpoint
                report = await _report(served, args)
                try:
                    await _measure(served, args, report)
                except asyncio.CancelledError:
                    report.interrupted, code = True, 130
                    task.uncancel()
                except Exception as error:  # whatever the server does, what was measured is kept
                    failure = await diagnose(error, "llm", endpoint)
        except Exception as error:
            failure = await diagnose(error, "llm", endpoint)
        if report is not None:
            report.missed = thresholds.missed(report)
            console.print(shown(report))
            try:
                _write(report, args)
            except OSError as error:
                failure = failure or explain(error, "report")
    if failure is not None:
        print(f"{failure.line} {failure.hint}".strip(), file=sys.stderr)
        return failure.exit_code
    return code or int(bool(report and report.missed))


@contextlib.asynccontextmanager
async def _served(settings: Settings, args: argparse.Namespace, console: Console) -> AsyncIterator[Settings]:
    """The settings with an endpoint that serves: the embedded Triton is started if they ask for it."""
    if "llm" not in settings.embedded_services:
        yield settings
        return
    from nova.benchmark.full_speed import without_pace  # noqa: PLC0415
    from pipelines.embedded.process import module_command  # noqa: PLC0415
    from pipelines.embedded.supervisor import EmbeddedServices  # noqa: PLC0415
    from pipelines.home import home  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="nova-benchmark-") as folder:

        def command(name: str, tls: Path, home: Path, port: int = 0) -> list[str]:
            return [*module_command(name, tls, home, port), *(["--models", folder] if args.full_speed else [])]

        if args.full_speed:
            await asyncio.to_thread(without_pace, Path(nova.__file__).parent / "models" / "nova", Path(folder))

        def told(line: str) -> None:
            console.print(line, markup=False)

        async with EmbeddedServices(settings, home(), told, only=("triton",), command=command) as services:
            yield services.settings


async def _report(settings: Settings, args: argparse.Namespace) -> Report:
    """An empty report that says what is measured; raises what connecting raises, and if the model is not ready."""
    from nova.benchmark.results import Report  # noqa: PLC0415
    from nova.errors import ModelError  # noqa: PLC0415
    from nova.prompts import load_template  # noqa: PLC0415
    from nova.services.triton_client import TritonMind  # noqa: PLC0415
    from pipelines.machine.environment import environment  # noqa: PLC0415
    from pipelines.services.channels import metadata_for, open_channel, warm  # noqa: PLC0415

    endpoint = settings.llm.endpoint
    metadata, template = metadata_for(endpoint), load_template(settings.llm.template)
    async with open_channel(endpoint) as channel:
        await warm(channel, endpoint.connect_seconds, metadata())
        found = await TritonMind(
            channel, _mind_settings(settings, args), metadata=metadata, template=template
        ).describe()
    if not found.model_ready:
        has = f"; it has {', '.join(found.models)}" if found.models else ""
        raise ModelError(f"model {found.model!r} is not ready on this server{has}")
    pace = "without its simulated pace" if args.full_speed else "at its simulated pace"
    embedded = "llm" in settings.embedded_services
    return Report(
        environment=await asyncio.to_thread(environment),
        server=f"{found.server} {found.version}",
        model=found.model,
        decoupled=found.decoupled,
        max_batch_size=found.max_batch_size,
        simulated=f"The embedded mind, a stand-in for a language model, {pace}." if embedded else "",
        max_tokens=args.max_tokens,
        seed=args.seed,
    )


async def _measure(settings: Settings, args: argparse.Namespace, report: Report) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    from nova.benchmark.clients import BareClient, Client, NovaClient, TritonclientClient  # noqa: PLC0415
    from nova.benchmark.suite import Suite, Target  # noqa: PLC0415
    from nova.prompts import load_template  # noqa: PLC0415
    from nova.services.triton_client import TritonMind  # noqa: PLC0415
    from pipelines.services.channels import metadata_for, open_channel  # noqa: PLC0415

    endpoint, plan = settings.llm.endpoint, _plan(args)
    metadata = metadata_for(endpoint)
    template = load_template(settings.llm.template)
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty(),
    )  # fmt: skip
    async with contextlib.AsyncExitStack() as stack:
        channel = await stack.enter_async_context(open_channel(endpoint))
        mind = TritonMind(channel, _mind_settings(settings, args), metadata=metadata, template=template)
        clients: list[Client] = [NovaClient(mind)]
        if args.compare:
            theirs = await stack.enter_async_context(_tritonclient(endpoint))
            bare = await stack.enter_async_context(open_channel(endpoint))
            clients += [TritonclientClient(theirs, mind, metadata), BareClient(bare, mind, metadata)]
        shown = stack.enter_context(bar).add_task("", total=plan.work(len(clients)))

        def progress(line: str, done: int) -> None:
            bar.update(shown, description=line, advance=done)

        target = Target(mind, channel, clients, ANSWER_SECONDS, metadata)
        await Suite(plan, target, report, progress).run()


def _mind_settings(settings: Settings, args: argparse.Namespace) -> LlmSection:
    together = max((1, *args.batch))
    return settings.llm.model_copy(update={"max_tokens": args.max_tokens, "concurrency": together})


def _tritonclient(endpoint: Endpoint) -> triton_aio.InferenceServerClient:
    """NVIDIA's client with its own defaults, but for what is needed to reach the endpoint."""
    import grpc  # noqa: PLC0415
    import tritonclient.grpc.aio as triton_aio  # noqa: PLC0415

    from pipelines.services.channels import MAX_MESSAGE  # noqa: PLC0415

    tls = endpoint.tls
    options: list[tuple[str, str | int]] = [
        ("grpc.max_send_message_length", MAX_MESSAGE),
        ("grpc.max_receive_message_length", MAX_MESSAGE),
    ]
    if tls.server_name:
        options.append(("grpc.ssl_target_name_override", tls.server_name))
    if endpoint.host in ("localhost", "127.0.0.1", "::1"):
        options.append(("grpc.enable_http_proxy", 0))
    ca, key, cert = (path.read_bytes() if path else None for path in (tls.ca, tls.key, tls.cert))
    credentials = grpc.ssl_channel_credentials(ca, key, cert) if tls.enabled else None
    return triton_aio.InferenceServerClient(endpoint.target, creds=credentials, channel_args=options)


def _plan(args: argparse.Namespace) -> Plan:
    from nova.benchmark.suite import Plan  # noqa: PLC0415

    return Plan(
        concurrency=args.concurrency,
        rates=args.rate,
        batch=args.batch,
        compare=args.compare,
        requests=args.requests,
        rounds=args.rounds,
        warm_up=args.warm_up,
        seed=args.seed,
    )


def _thresholds(args: argparse.Namespace) -> Thresholds:
    """The limits of ``--thresholds``; raises :class:`SettingsError` with a line for each mistake in the file."""
    from pydantic import ValidationError  # noqa: PLC0415

    from nova.benchmark.thresholds import Thresholds  # noqa: PLC0415

    if args.thresholds is None:
        return Thresholds()
    layer = read_yaml(args.thresholds)
    try:
        thresholds = Thresholds.model_validate(layer.values)
    except ValidationError as error:
        lines = []
        for mistake in error.errors():
            key = tuple(str(part) for part in mistake["loc"] if part != "[key]")
            why = "is no limit that can be set" if mistake["type"] == "extra_forbidden" else mistake["msg"]
            lines.append(f"{layer.origin(key) or args.thresholds}: {'.'.join(key) or 'the file'}: {why}.")
        raise SettingsError(lines) from None
    clients = ("tritonclient", "bare") if args.compare else ()
    if problems := thresholds.unmeasured(args.concurrency, args.rate, args.batch, clients):
        raise SettingsError([f"{args.thresholds}: {problem}" for problem in problems])
    return thresholds


def _check(settings: Settings, args: argparse.Namespace) -> None:
    """Raises :class:`SettingsError` for what would only be found after a long measurement."""
    problems = []
    if settings.llm.backend != "triton":
        problems.append(f"llm.backend is {settings.llm.backend}: the benchmark speaks gRPC to a Triton.")
    if args.full_speed and "llm" not in settings.embedded_services:
        problems.append("--full-speed serves the embedded mind faster: it needs embedded: true, or [llm].")
    if args.plot is not None:
        from nova.benchmark.plot import PlotError, require_plotly  # noqa: PLC0415

        try:
            require_plotly()
        except PlotError as error:
            problems.append(f"{error}.")
    if problems:
        raise SettingsError(problems)
    outputs = (Output("--json", args.json), Output("--plot", args.plot))
    read = [*read_by(configs(args), settings), *([args.thresholds] if args.thresholds else [])]
    check_outputs(outputs, read, force=args.force)


def _write(report: Report, args: argparse.Namespace) -> None:
    if args.json is not None:
        write_text(args.json, report.model_dump_json(indent=1) + "\n")
    if args.plot is not None:
        from nova.benchmark.plot import page  # noqa: PLC0415

        write_text(args.plot, page(report))


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 100_000:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and 100000")
    return number


def _counts(text: str) -> tuple[int, ...]:
    return _each(text, int, 256)


def _rates(text: str) -> tuple[float, ...]:
    return _each(text, float, 10_000.0)


def _each(text: str, kind: Callable[[str], float], most: float) -> tuple[Any, ...]:
    try:
        numbers = tuple(dict.fromkeys(kind(part) for part in text.split(",")))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers such as 1,4,8") from None
    if not all(0 < number <= most for number in numbers):
        raise argparse.ArgumentTypeError(f"each of {text} must be above 0 and up to {most:g}")
    return numbers


if __name__ == "__main__":
    run(main)
