"""A turn's latency in one line: a bar by stage that can be compared between turns, and milliseconds that add up."""

from __future__ import annotations

from collections.abc import Mapping

from rich.cells import cell_len
from rich.text import Text

from pipelines.telemetry.ledger import Count, Ledger, Outcome

STYLES: Mapping[str, str] = {
    "capture": "blue",
    "asr": "green",
    "endpointing": "yellow",
    "llm": "magenta",
    "tools": "bright_cyan",
    "clause": "bright_magenta",
    "tts": "cyan",
    "hold": "red",
    "playout": "bright_blue",
}
"""Each contribution's colour, of the terminal's own sixteen, which its theme keeps readable on light and dark."""

FULL_SCALE = 1.0
"""Seconds of a whole bar: beyond a second a reply is late, and the bar says so with its tip."""

OUTCOMES: Mapping[Outcome, str] = {
    Outcome.CALLED: "called a tool",
    Outcome.INTERRUPTED: "interrupted",
    Outcome.REPROMPTED: "speech, but no words: asked again",
    Outcome.DROPPED: "nothing to answer",
    Outcome.KEPT: "no answer asked for",
    Outcome.BROKEN: "broke off",
    Outcome.FAILED: "failed",
}


def milliseconds(parts: Mapping[str, float], total: float) -> dict[str, int]:
    """``parts`` (seconds) in whole milliseconds that add up to the rounded ``total``; those of 0 are left out."""
    whole = {name: int(seconds * 1000) for name, seconds in parts.items()}
    short = round(total * 1000) - sum(whole.values())
    by_remainder = sorted(parts, key=lambda name: parts[name] * 1000 - whole[name], reverse=True)
    for name in by_remainder[: max(short, 0)]:
        whole[name] += 1
    return {name: count for name, count in whole.items() if count > 0}


def in_words(ledger: Ledger) -> str:
    """The latency as a sum in plain text; empty for a turn in which she was not heard."""
    total = ledger.voice_to_voice
    if total is None:
        return ""
    if total < 0:
        return f"began {-total * 1000:.0f} ms before you had ended"
    parts = milliseconds(ledger.contributions(), total)
    return f"{total * 1000:.0f} ms = " + " + ".join(f"{name} {count}" for name, count in parts.items())


def remarks(ledger: Ledger) -> str:
    """What was out of the ordinary in this turn, in plain text; empty if nothing was."""
    said: list[str] = []
    if ledger.outcome is not None and ledger.outcome in OUTCOMES:
        said.append(OUTCOMES[ledger.outcome])
    if ledger.skipped:
        said.append(f"could not be said: “{' … '.join(ledger.skipped)}”")
    if (latency := ledger.barge_in_latency) is not None:
        said.append(f"gave way in {latency * 1000:.0f} ms")
    counted = {
        Count.SPECULATIONS_DROPPED: "unheard guesses: {}",
        Count.UNDERRUNS: "gaps in her voice: {}",
        Count.RESUMES: "resumed: {}",
    }
    said += [words.format(ledger.counts[what]) for what, words in counted.items() if ledger.counts[what]]
    return ", ".join(said)


def latency_line(ledger: Ledger, width: int) -> Text:
    """The latency as a coloured bar with its parts, in at most ``width`` cells; empty if she was not heard.

    The bar's length is voice-to-voice on the scale of :data:`FULL_SCALE`. Where the parts do not all fit, the
    smallest are put together as the rest.
    """
    total = ledger.voice_to_voice
    if total is None or total < 0:
        return Text(in_words(ledger), style="yellow", no_wrap=True, overflow="ellipsis")
    parts = ledger.contributions()
    line = Text(f"{total * 1000:4.0f} ms ", style="bold", no_wrap=True, overflow="ellipsis")
    line.append_text(_bar(parts, total, max(8, min(24, width // 5))))
    line.append_text(_legend(milliseconds(parts, total), width - cell_len(line.plain)))
    return line


def _legend(parts: Mapping[str, int], room: int) -> Text:
    shown = dict(parts)
    gap = "  "
    if _length(shown, gap) > room:
        gap = " "
    rest = 0
    while shown and _length(shown, gap) + (len(f"{gap}rest {rest}") if rest else 0) > room:
        least = min(shown, key=shown.__getitem__)
        rest += shown.pop(least)
    legend = Text()
    for name, count in shown.items():
        legend.append(f"{gap}{name} ", style=f"not bold {STYLES[name]}")
        legend.append(str(count), style=f"bold {STYLES[name]}")
    if rest and shown:
        legend.append(f"{gap}rest {rest}", style="not bold dim")
    return legend


def _length(parts: Mapping[str, int], gap: str) -> int:
    return sum(len(f"{gap}{name} {count}") for name, count in parts.items())


def _bar(parts: Mapping[str, float], total: float, cells: int) -> Text:
    bar = Text()
    scale = cells / max(FULL_SCALE, total)
    at, drawn = 0.0, 0
    for name, seconds in parts.items():
        at += seconds * scale
        upto = round(at)
        bar.append("━" * (upto - drawn), style=f"not bold {STYLES[name]}")
        drawn = upto
    late = total > FULL_SCALE
    bar.append("╸" if late else "", style="bold red")
    bar.append("─" * (cells - drawn), style="not bold dim")
    return bar
