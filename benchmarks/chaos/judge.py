"""The judgement of a trial: what every program keeps to, whatever befalls it, and what this fault is expected to do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.chaos.fault import Fault
from benchmarks.chaos.trial import BUSY_SECONDS, STOP_SECONDS, Record
from benchmarks.checker import RESIDUE_SECONDS, check
from pipelines.conversation.book import TurnBook
from pipelines.conversation.events import (
    EarsBack,
    EarsLost,
    Failed,
    GenerationOver,
    Happening,
    PlayoutStarted,
    Retrying,
)
from pipelines.failures import explain
from pipelines.takes.reader import read_events
from sophia.wav import read_wav

MORE_DESCRIPTORS, MORE_THREADS = 6, 2
"""So many more than before the fault are no leak: connections that are opened anew overlap with those they replace."""

NOT_UNDERSTOOD = 1
"""The exit code where a soundbite had no answer."""

FORCED, BUSY = 130, 2.0
"""The exit code of a program that could not end in good order within 2 s. With so many processes for each core that is
the machine's doing."""

SILENT = 2
"""Samples no louder than this are silence."""

RAMP_SECONDS = 0.03
"""After her last sample: the ramp, and the rounding of a block's place in the file."""

DEFECT = re.compile(r"Traceback|internal error from core|is a defect|^\S+ \S+ \d+ (ERROR|CRITICAL) ", re.I | re.M)
"""What no output and no log may hold. ``Internal error from Core`` is gRPC's word for a broken connection."""


def breaches(fault: Fault, target: str, record: Record) -> list[str]:
    """All that was not as it should be, in sentences; empty for a program that did well."""
    return [*record.breaches, *_general(fault, target, record), *fault.expect(record)]


def _general(fault: Fault, target: str, record: Record) -> Iterator[str]:
    codes = {fault.code} if fault.code is not None else explained(record) if target == "voice" else {0}
    if record.load > BUSY:
        codes = {*codes, FORCED}
    if record.code not in codes:
        yield f"exit code {record.code}, not {' or '.join(map(str, sorted(codes)))}"
    if record.stop_seconds is not None and record.stop_seconds > STOP_SECONDS + BUSY_SECONDS * record.load:
        yield f"it took {record.stop_seconds:.2f} s to stop, with a load of {record.load:.1f} a core"
    for orphan in record.orphans:
        yield f"it left a process behind: {orphan}"
    for name, text in (("output", record.output), ("log", record.log)):
        if found := DEFECT.search(text):
            yield f"the {name} has: {text[max(0, found.start() - 40) : found.end() + 120]!r}"
    if record.before and record.after:
        if record.after.descriptors > record.before.descriptors + MORE_DESCRIPTORS:
            yield f"descriptors: {record.before.descriptors} before, {record.after.descriptors} after"
        if record.after.threads > record.before.threads + MORE_THREADS:
            yield f"threads: {record.before.threads} before, {record.after.threads} after"
    if record.replied_since < (wanted := fault.answers(target)):
        yield f"{record.replied_since} turns were answered afterwards, not {wanted}"
    if record.recovery_seconds is not None and record.recovery_seconds > fault.within:
        yield f"the first answer came after {record.recovery_seconds:.1f} s, not within {fault.within:g} s"
    for caller in () if fault.ends else record.cut_off:
        yield f"a caller was cut off ({caller.ended}): {', '.join(caller.errors)}"
    if target == "voice" and not fault.ends and fault.whole_take:
        yield from of_a_take(record.folder / "take", record.turns)


def explained(record: Record) -> set[int]:
    """The exit codes of the voice loop that its recording explains: the worst of what failed and was not mended."""
    failed = again = deaf = 0
    with suppress(OSError, ValueError):
        for event in read_events(record.folder / "take"):
            match event:
                case Failed(service=service, error=error, again=False):
                    failed = max(failed, explain(error, service).exit_code)
                case Failed(service=service, error=error) | Retrying(service=service, error=error):
                    again = explain(error, service).exit_code
                case EarsLost(error=error):
                    deaf = explain(error, "asr").exit_code
                case EarsBack():
                    deaf = 0
                case GenerationOver(heard=heard) if heard:
                    again = 0
                case _:
                    pass
    worst = max(failed, again, deaf)
    return {worst, max(worst, NOT_UNDERSTOOD)} if "nothing was understood" in record.output else {worst}


def of_a_take(take: Path, written: list[dict[str, Any]]) -> Iterator[str]:
    """What a recording and the ledgers that were written beside it show."""
    try:
        events = list(read_events(take))
    except (OSError, ValueError) as error:
        yield f"the take cannot be read: {error}"
        return
    book = TurnBook()
    ledgers = [ledger for event in events for ledger in book.tell(event)]
    yield from check(events, ledgers)
    if [ledger.turn for ledger in ledgers] != [turn["turn"] for turn in written]:
        yield f"{len(ledgers)} turns in the take, {len(written)} in the ledgers"
    for ledger, turn in zip(ledgers, written, strict=False):
        waited, parts = turn["voice_to_voice"], turn["contributions"]
        if waited is not None and waited >= 0 and abs(sum(parts.values()) - waited) > RESIDUE_SECONDS:
            yield f"turn {turn['turn']}: contributions do not add up in the ledgers"
        if ledger.heard != (heard := turn["words"]["heard"]):
            yield f"turn {turn['turn']}: heard {ledger.heard!r} in the take, {heard!r} in the ledgers"
    with suppress(OSError, ValueError):
        yield from _sounds_after_a_fence(take, events, [ledger.marks.get("silenced") for ledger in ledgers])


def _sounds_after_a_fence(take: Path, events: list[Happening], silenced: list[float | None]) -> Iterator[str]:
    """Her voice in the recording must be silent from each interruption to the next reply that begins."""
    manifest = json.loads((take / "manifest.json").read_text())
    start, rate = manifest["loop_time"], manifest["reply_rate"]
    pcm = read_wav(take / "reply.wav", rate, max_seconds=3600).pcm
    begins = sorted(event.time for event in events if isinstance(event, PlayoutStarted))
    for at in filter(None, silenced):
        until = next((begin for begin in begins if begin > at), at + 2.0)
        first, last = (round((time - start) * rate) for time in (at + RAMP_SECONDS, until - RAMP_SECONDS))
        if first < last and (loud := int(np.abs(pcm[first:last].astype(int)).max(initial=0))) > SILENT:
            yield f"{loud} of 32767 is in her voice after she was silenced at {at - start:.2f} s"
