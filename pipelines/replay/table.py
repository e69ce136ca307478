"""A run on the terminal: how long people waited and for what, how well it went, and what changed since the baseline."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.records.results import Run
from pipelines.replay.compare_result import Comparison, Counting, Timing
from pipelines.replay.statistics import Estimate
from pipelines.replay.summary import Spread, Summary, summarise
from pipelines.terminal.bar import STYLES
from pipelines.terminal.text import clean

BAR = 8
"""Cells of a bar that stands for the whole wait."""

SLOWEST = 3
"""Lines that are named as the slowest."""

REASONS = 4
"""Reasons for missed turns that are told; the rest is counted."""

VERDICTS = {"slower": "bold red", "worse": "bold red", "faster": "green", "better": "green", "unclear": "yellow"}


def show(found: Run | Summary, console: Console, comparison: Comparison | None = None) -> None:
    """Prints the table of a run, and under it the comparison with its baseline, in 80 columns or more."""
    summary = summarise(found) if isinstance(found, Run) else found
    console.print()
    console.print(_title(summary))
    console.print(_times(summary))
    console.print(_facts(summary))
    if comparison:
        console.print(_changes(comparison))
        console.print(_verdict(comparison))


def _title(summary: Summary) -> Text:
    size = [f"{summary.lines} lines"]
    size += [
        f"{count} {what}" for count, what in ((summary.rounds, "rounds"), (summary.sessions, "sessions")) if count > 1
    ]
    title = Text(" ").append(clean(summary.scenario), "bold").append(f"  {' × '.join(size)}")
    if summary.simulated:
        title.append("  simulated", "bold yellow").append(f" ({clean(summary.simulated)})", "yellow")
    if not summary.complete:
        title.append("  interrupted", "bold red")
    return title


def _times(summary: Summary) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), collapse_padding=True)
    table.add_column(" ms", header_style="dim", min_width=18, no_wrap=True)
    for name in ("p50", "p90", "p95", "p99"):
        table.add_column(name, justify="right", min_width=10, no_wrap=True)
    table.add_column(" share", min_width=BAR + 8, no_wrap=True)
    wait = summary.voice_to_voice
    table.add_row(Text(" voice-to-voice", "bold"), *(_value(e, "bold") for e in _of(wait)), _n(wait))
    table.add_row(Text("   95 % sure", "dim"), *(_interval(e) for e in _of(wait)), "", end_section=True)
    for stage in summary.stages:
        table.add_row(
            Text(f"   {stage.name}", STYLES[stage.name]),
            *(_value(e) for e in _of(stage.spread)),
            _bar(stage.share, STYLES[stage.name]),
        )
    asides = {
        "barge-in": summary.barge_in,
        "lip skew": summary.lip_skew,
        "face after sound": summary.face_lateness,
        "end of voice off": summary.end_error,
    }
    if any(spread.n for spread in asides.values()):
        table.add_section()
    for name, spread in asides.items():
        if spread.n:
            table.add_row(f" {name}", *(_value(e) for e in _of(spread)), _n(spread))
    return table


def _facts(summary: Summary) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, min_width=17)
    grid.add_column(overflow="fold")
    for name, words, bad in _told(summary):
        grid.add_row(f" {name}", Text(words, "yellow" if bad else ""))
    return grid


def _told(summary: Summary) -> Iterator[tuple[str, str, bool]]:
    """Name, what there is to say, and whether it is nothing to be glad of."""
    short = summary.turns < summary.planned
    of = f" of {summary.planned}" if short else ""
    counted = ", ".join(f"{count} {outcome}" for outcome, count in summary.outcomes.items())
    yield "lines", f"{summary.turns}{of} played: {counted or 'none'}", short
    reasons = [f"{clean(reason)}: {count}" for reason, count in summary.missed_reasons.items()]
    if rest := sum(list(summary.missed_reasons.values())[REASONS:]):
        reasons[REASONS:] = [f"other: {rest}"]
    why = f" ({'; '.join(reasons)})" if reasons else ""
    yield "missed turns", f"{summary.missed} of {summary.replies_wanted}{why}", summary.missed > 0
    cutoffs = summary.false_cutoffs
    yield "false cut-offs", f"{cutoffs}, {summary.per_100_lines(cutoffs):.1f} per 100 lines", cutoffs > 0
    rate = summary.word_error_rate
    yield (
        "word error rate",
        "no transcript" if rate is None else f"{rate * 100:.1f} %, {summary.word_errors} of {summary.words} words",
        False,
    )
    if summary.expectations:
        wrong = summary.unexpected
        yield "unexpected", f"{wrong} of {summary.expectations} replies", wrong > 0
    guessed = summary.speculation
    if guessed.started:
        yield (
            "speculation",
            f"{guessed.started} started, {_percent(guessed.dropped, guessed.started)} dropped; wasted "
            f"{_percent(guessed.wasted_tokens, guessed.tokens)} of tokens, {guessed.wasted_sound:.1f} s of sound "
            f"({_percent(guessed.wasted_sound, guessed.sound)})",
            False,
        )
    used = summary.tools
    if used.calls:
        of_those = [(used.failures, "failed"), (used.wasted, "wasted"), (used.unrecorded, "not in the recording")]
        told = [f"{used.calls} called", *(f"{count} {what}" for count, what in of_those if count)]
        yield "tools", ", ".join(told), used.failures > 0
    yield "underruns", str(summary.underruns), summary.underruns > 0
    if summary.worst_residue is not None:
        far = abs(summary.worst_residue) > 0.002
        yield "residue", f"{summary.worst_residue * 1000:+.2f} ms at worst, sum of stages against the audio", far
    if (skew := summary.worst_lip_skew) is not None:
        yield "lips", f"{skew * 1000:+.0f} ms at worst (+ the lips lead)", not -0.045 <= skew <= 0.125  # ITU-R BT.1359
    slowest = [part for part in summary.by_line if part.p50 is not None][:SLOWEST]
    if len(slowest) > 1:
        named = (f"{clean(part.name)} {(part.p50 or 0) * 1000:.0f}" for part in slowest)
        yield "slowest lines", ", ".join(named) + " ms", False


def _changes(comparison: Comparison) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), collapse_padding=True)
    table.add_column(" against baseline", header_style="dim", min_width=19, no_wrap=True)
    for name, width in (("before", 7), ("now", 7), ("shift, 95 % sure", 19), ("p", 7)):
        table.add_column(name, justify="right", min_width=width, no_wrap=True)
    table.add_column(" verdict", no_wrap=True)
    for timing in comparison.timings:
        table.add_row(*_timing(timing))
    table.add_section()
    for counting in comparison.counts:
        table.add_row(*_counting(counting))
    return table


def _timing(timing: Timing) -> tuple[Text | str, ...]:
    whole = timing.measure in {"voice-to-voice", "barge-in"}
    name = f" {timing.measure} {timing.quantile}" if whole else f"   {timing.measure}"
    shift = f"{timing.shift * 1000:+z.1f}"
    if timing.low is not None and timing.high is not None:
        shift += f" [{timing.low * 1000:+z.0f}, {timing.high * 1000:+z.0f}]"
    verdict = Text(f" {timing.verdict}", VERDICTS.get(timing.verdict, "dim"))
    if timing.hidden:
        verdict.append(", hidden")
    elif timing.verdict == "slower" and not timing.gates:
        verdict = Text(" slower, policy", "yellow")
    return (
        Text(name, "bold" if whole else STYLES[timing.measure]),
        f"{timing.base * 1000:.0f}",
        f"{timing.new * 1000:.0f}",
        shift,
        _p(timing.p),
        verdict,
    )


def _counting(counting: Counting) -> tuple[Text | str, ...]:
    verdict = Text(f" {counting.verdict}", VERDICTS.get(counting.verdict, "dim"))
    parts = ((counting.base, counting.base_of), (counting.new, counting.new_of))
    shares = [100 * count / of for count, of in parts]
    return (
        f" {counting.measure}",
        *(f"{count}/{of}" for count, of in parts),
        f"{shares[1] - shares[0]:+.1f} %",
        _p(counting.p),
        verdict,
    )


def _verdict(comparison: Comparison) -> Text:
    text = Text(" ").append(comparison.verdict, VERDICTS.get(comparison.verdict.split(",")[0], "bold"))
    if comparison.blame:
        named = (
            f"{blame.stage} {blame.shift * 1000:+.0f} ms ({blame.share * 100:.0f} %)" for blame in comparison.blame
        )
        text.append(f" because of {', '.join(named)}")
    text.append(f"\n {comparison.method}", "dim")
    for note in comparison.notes:
        text.append(f"\n note: {clean(note)}", "dim")
    return text


def _of(spread: Spread) -> tuple[Estimate | None, ...]:
    return spread.p50, spread.p90, spread.p95, spread.p99


def _n(spread: Spread) -> Text:
    return Text(f" n = {spread.n}", "dim")


def _value(estimate: Estimate | None, style: str = "") -> Text:
    return Text("–" if estimate is None else f"{estimate.value * 1000:.0f}", style)


def _interval(estimate: Estimate | None) -> Text:
    if estimate is None or estimate.low is None or estimate.high is None:
        return Text("–", "dim")
    return Text(f"{estimate.low * 1000:.0f}–{estimate.high * 1000:.0f}", "dim")


def _bar(share: float, style: str) -> Text:
    return Text(f" {share * 100:3.0f} % ").append("━" * round(share * BAR), style)


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "0 %"


def _p(p: float) -> str:
    return "< .001" if p < 0.001 else f"{p:.3f}"
