"""A report as tables for a terminal. Times are shown in milliseconds."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from nova.benchmark.results import Batched, Compared, Median, Point, Report, Spread
from nova.benchmark.thresholds import name_of


def shown(report: Report) -> Group:
    """Everything that was measured, under a line that says of what."""
    return Group(*_parts(report))


def _parts(report: Report) -> Iterator[RenderableType]:
    yield Text(heading(report), style="bold")
    if report.simulated:
        yield Text(report.simulated)
    if report.points:
        yield _loads(report.points)
        yield from _errors(report.points)
    if report.batches:
        yield _batches(report.batches)
    if report.compared:
        yield _compared(report.compared)
    if report.interrupted:
        yield Text("Stopped before the end: what was measured until then.", style="yellow")
    for line in report.missed:
        yield Text(f"✗ {line}", style="red")


def heading(report: Report) -> str:
    """What was measured, in one line."""
    how = "streams" if report.decoupled else "does not stream"
    batch = f", batches up to {report.max_batch_size}" if report.max_batch_size else ", no batch dimension"
    return f"{report.model} on {report.server} ({how}{batch}), answers of at most {report.max_tokens} tokens"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", pad_edge=False)
    for at, column in enumerate(columns):
        table.add_column(column, justify="left" if column in ("load", "client") else "right", no_wrap=at > 0)
    return table


def _loads(points: list[Point]) -> Table:
    table = _table(
        "Load (times in ms, p50 / p95)",
        "load", "answered", "first token", "between tokens", "whole answer", "requests/s", "tokens/s", "batch", "queue",
    )  # fmt: skip
    for point in points:
        server = point.server
        table.add_row(
            name_of(point) + ("" if point.complete else " (stopped)"),
            f"{point.requests}" + (f", {point.failed} failed" if point.failed else ""),
            *(_ms(spread) for spread in (point.first_token, point.inter_token, point.whole)),
            f"{point.requests_per_second:.1f}",
            f"{point.tokens_per_second:.0f}",
            "–" if server is None or server.mean_batch_size is None else f"{server.mean_batch_size:.2f}",
            "–" if server is None or server.mean_queue is None else f"{server.mean_queue * 1000:.2f}",
        )
    table.caption = "batch, queue: prompts for each execution and ms of waiting for each request, as the server counts"
    table.caption_justify = "left"
    return table


def _errors(points: list[Point]) -> Iterator[Text]:
    for point in points:
        for error, count in point.errors.items():
            yield Text(f"{name_of(point)}: {count} × {error}", style="yellow")


def _batches(batches: list[Batched]) -> Table:
    how = {"tensor": "one request with all prompts", "streams": "streams at once", "requests": "requests at once"}
    table = _table(
        f"Batches as {how[batches[0].how]}, against one after another (medians of {batches[0].rounds} rounds)",
        "prompts", "sequential/s", "batched/s", "speed-up", "95 %", "executed batch",
    )  # fmt: skip
    for batched in batches:
        mean = batched.mean_batch_size
        table.add_row(
            str(batched.size),
            f"{batched.sequential.median:.1f}",
            f"{batched.batched.median:.1f}",
            *_ratio(batched.speedup),
            "–" if mean is None else f"{mean:.2f}",
        )
    return table


def _compared(compared: list[Compared]) -> Table:
    first = compared[0]
    table = _table(
        f"Clients, {first.rounds} interleaved rounds of {first.requests} requests (medians; ratios ours to theirs)",
        "at once", "client", "requests/s", "tokens/s", "first token", "CPU/request",
        "requests ratio", "95 %", "tokens ratio", "95 %", "best rounds",
    )  # fmt: skip
    for row in compared:
        for at, client in enumerate(row.requests_per_second):
            ratios = row.request_ratio.get(client), row.token_ratio.get(client)
            best = row.best_ratio.get(client)
            table.add_row(
                str(row.concurrency) if at == 0 else "",
                client,
                f"{row.requests_per_second[client].median:.1f}",
                f"{row.tokens_per_second[client].median:.0f}",
                f"{row.first_token[client].median * 1000:.1f}",
                f"{row.cpu_per_request[client].median * 1000:.2f}",
                *(text for ratio in ratios for text in (_ratio(ratio) if ratio else ("", ""))),
                "" if best is None else f"{best:.2f}",
                end_section=at == len(row.requests_per_second) - 1,
            )
    table.caption = "first token and CPU in ms; best rounds: ratio of requests/s at the 90th percentile of the rounds"
    table.caption_justify = "left"
    return table


def _ratio(ratio: Median) -> tuple[str, str]:
    return f"{ratio.median:.2f}", f"{ratio.low:.2f}–{ratio.high:.2f}"


def _ms(spread: Spread | None) -> str:
    return "–" if spread is None else f"{spread.p50 * 1000:.1f} / {spread.p95 * 1000:.1f}"
