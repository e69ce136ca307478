"""What a recorded page did with sound and lips, measured where the sound really was: in the context's own output.

Nothing here believes what the page says of its position. Each stretch of her sound is looked for in the recorded
output; where it is found tells which second of the item was handed out at which context time. All times are the
context's, so a slow machine changes nothing. Pure.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray
from page_browser import Recorded
from page_double import SHUT

RATE = 24000

PICTURE = 1 / 30
"""Seconds for which a pose counts as shown, at most: as in aurora.sync, a slow machine is no fault of the face."""

WINDOW, STEP = 0.2, 0.1
"""Seconds of sound that are looked for at once, and from one to the next."""

ALIKE = 0.98
"""Correlation from which on a stretch counts as found."""

LATE = 1.6
"""Seconds by which sound may be handed out later than it came or was due, and is still looked for."""

QUIET = 0.05
"""Seconds without an audible sample that count as silence."""

REST = 0.02
"""Largest weight of a mouth that is at rest."""

RESUME = "sophia.playout.resume"
SILENCING = ("sophia.playout.pause", "sophia.playout.clear", RESUME)

Draw = dict[str, Any]
"""A picture, as :file:`harness.js` logs it: ``at`` is the context's time without its steps, ``now`` as it reads, as for
all that comes by the socket; ``t`` is the context time that is heard."""

Code = Callable[[Draw], float | None]
"""The second of the sound for which a picture was made; ``None`` if it has none."""


@dataclass(frozen=True)
class Placed:
    """The item's sound from ``position`` s on was handed out at context time ``t``, for :data:`WINDOW` s."""

    t: float
    position: float


@dataclass(frozen=True)
class Skew:
    """Lips minus sound, in seconds: mean, 95th percentile of the distance, largest distance; over so many pictures."""

    mean: float
    p95: float
    most: float
    pictures: int

    @property
    def good(self) -> bool:
        """Whether it is within what the project promises."""
        return self.pictures >= 4 and abs(self.mean) <= 0.015 and self.p95 <= 0.033 and self.most <= 0.080


@dataclass(frozen=True)
class Stretch:
    """Sound of an item as it came, without a jump inside. ``arrivals``: context time of each piece's arrival."""

    start: float
    arrivals: list[float]
    pieces: list[NDArray[np.int16]]

    @property
    def end(self) -> float:
        """The second of the item at which the next piece would begin."""
        return self.start + sum(map(len, self.pieces)) / RATE


def stretches(recorded: Recorded, item: str) -> list[Stretch]:
    """All sound of the item that came."""
    found = list[Stretch]()
    for entry in recorded.wire:
        event = entry["event"]
        if event["type"] != "response.output_audio.delta" or event["item_id"] != item:
            continue
        position = event["sophia"]["audio_start_ms"] / 1000
        if not found or abs(position - found[-1].end) > 0.002:
            found.append(Stretch(position, [], []))
        found[-1].arrivals.append(entry["t"])
        found[-1].pieces.append(np.frombuffer(base64.b64decode(event["delta"]), np.int16))
    return found


def places(recorded: Recorded, item: str) -> list[Placed]:
    """Where the item's sound was handed out, as far as it is loud enough to be found."""
    out, found = recorded.out, list[Placed]()
    size, step = round(WINDOW * out.rate), round(STEP * out.rate)
    for stretch in stretches(recorded, item):
        sound = soxr.resample(np.concatenate(stretch.pieces).astype(np.float32), RATE, out.rate, "VHQ")
        ends = np.cumsum([len(piece) for piece in stretch.pieces]) / RATE
        for at in range(0, len(sound) - size + 1, step):
            window = sound[at : at + size]
            if np.sqrt((window**2).mean()) < 300:
                continue
            # Not before it came, and not much later than it came or was due.
            came = stretch.arrivals[int(np.searchsorted(ends, at / out.rate, "right"))]
            due = max(came, stretch.arrivals[0] + at / out.rate)
            begin = max(0, round((came - 0.05 - out.t) * out.rate))
            heard = out.pcm[begin : round((due + WINDOW + LATE - out.t) * out.rate)].astype(np.float32)
            if len(heard) >= size and (place := _found(heard, window)) is not None:
                found.append(Placed(out.t + (begin + place) / out.rate, stretch.start + at / out.rate))
    return found


def _found(heard: NDArray[np.float32], window: NDArray[np.float32]) -> int | None:
    """The sample of ``heard`` at which ``window`` begins; ``None`` if it is not in there."""
    length = 1 << (len(heard) + len(window)).bit_length()
    product = np.fft.irfft(np.fft.rfft(heard, length) * np.conj(np.fft.rfft(window, length)), length)
    power = np.concatenate([[0.0], np.cumsum(heard.astype(np.float64) ** 2)])
    last = len(heard) - len(window) + 1
    energy = power[len(window) :][:last] - power[:last]
    likeness = product[:last] / np.sqrt(np.maximum(energy, 1.0) * float((window.astype(np.float64) ** 2).sum()))
    best = int(np.argmax(likeness))
    return best if likeness[best] >= ALIKE else None


def told(draw: Draw) -> float | None:
    """The time code that the page tells of a picture."""
    return draw.get("frame")


def jaw(draw: Draw) -> float | None:
    """The time that the jaw itself tells, where frames are the double's: it turns with each second of the sound."""
    code = draw.get("frame")
    if code is None or not 0.1 < code % 1.0 < 0.9:  # around the turn the pose is one between end and beginning
        return None
    return code + ((draw["said"] - SHUT) / (1 - SHUT) - code + 0.5) % 1.0 - 0.5


def skews(recorded: Recorded, item: str, code: Code = told) -> NDArray[np.float64]:
    """Lips minus sound of each picture whose sound was found, in seconds."""
    placed, found = places(recorded, item), list[float]()
    draws = recorded.draws
    for draw, after in pairwise(draws):
        if draw.get("item") != item or (shown := code(draw)) is None:
            continue
        here = [p for p in placed if p.t <= draw["t"] < p.t + WINDOW]
        if here:
            stood = min(max(0.0, after["at"] - draw["at"]), PICTURE)
            position = here[-1].position + draw["t"] - here[-1].t
            found.append(shown - position - stood / 2)
    return np.array(found)


def skew(recorded: Recorded, item: str, code: Code = told) -> Skew:
    """What all pictures of the item come to."""
    found = skews(recorded, item, code)
    if not len(found):
        return Skew(np.nan, np.nan, np.nan, 0)
    distance = np.abs(found)
    return Skew(float(found.mean()), float(np.percentile(distance, 95)), float(distance.max()), len(found))


def silencing(recorded: Recorded, item: str) -> str:
    """The event that silenced the item for good: a clear, or the pause before it that no resume undid."""
    found = ""
    for entry in recorded.wire:
        event = entry["event"]
        if event.get("item_id") != item or event["type"] not in SILENCING:
            continue
        found = "" if event["type"] == RESUME else found or event["type"]
    return found


def silence_after(recorded: Recorded, type: str, item: str) -> float:
    """Seconds from the arrival of the event to her last audible sample before a silence."""
    arrived = recorded.received(type, item)
    times = recorded.out.audible()
    times = times[times > arrived]
    if not len(times) or times[0] > arrived + QUIET:
        return 0.0
    gaps = np.flatnonzero(np.diff(times) > QUIET)
    return float(times[gaps[0] if len(gaps) else -1] - arrived)


def moving_after(recorded: Recorded, type: str, item: str) -> float:
    """Seconds from the arrival of the event to the last picture whose mouth was not at rest, before speech goes on."""
    arrived, last = recorded.received(type, item), 0.0
    again = [e["t"] for e in recorded.wire if e["event"]["type"] == RESUME and e["event"]["item_id"] == item]
    ends = min((at for at in again if at > arrived), default=math.inf)
    for draw in recorded.draws:
        if draw.get("now", 0.0) < arrived:
            continue
        goes_on = draw["now"] >= ends or draw.get("item") not in (None, item)
        if goes_on or draw["mouth"] <= REST:
            break
        last = draw["now"] - arrived
    return last


def stale(recorded: Recorded, item: str) -> list[float]:
    """Context times of pictures that showed the item's frames after it was cleared."""
    arrived = recorded.received("sophia.playout.clear", item)
    shown = [d["now"] for d in recorded.draws if d.get("item") == item and d.get("frame") is not None]
    return [at for at in shown if at > arrived]


def microphone_time(recorded: Recorded) -> float:
    """Context time of the first sample that the page sent: the first voice in its microphone is looked for in there.

    At the microphone's rate: half a sample at 16 kHz is too much for a voice with bright sounds.
    """
    came = recorded.microphone
    assert came is not None
    voiced = int(np.argmax(np.abs(came.pcm.astype(np.int32)) > 600))
    said = came.pcm[voiced : voiced + came.rate // 2].astype(np.float32)
    place = _found(soxr.resample(recorded.sent.astype(np.float32), 16000, came.rate, "VHQ"), said)
    assert place is not None, "what the page sent is not what came into it"
    return came.t + (voiced - place) / came.rate
