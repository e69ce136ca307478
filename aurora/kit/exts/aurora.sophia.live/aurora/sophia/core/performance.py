"""What the server tells becomes a performance: which weights are due now, and what a Kit script may want to know.

Pure: no socket, no stage, no clock. Every call brings the time, in seconds of one steady clock of this machine.
A frame belongs to a moment of the reply's sound, and the server says ten times a second how much of it was heard.
So frames that come early wait, late ones are skipped, and lips cannot drift.
"""

from __future__ import annotations

import base64
import math
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

LEAD_SECONDS = 0.015
"""The lips run ahead by half a picture, for a pose stays on show until the next look."""

BRIDGED_SECONDS = 0.1
"""Longest gap between two frames across which poses are interpolated."""

HOLD_SECONDS = 1 / 30
"""How long the last frame before a longer gap stays."""

RELEASE_SECONDS = 0.1
"""The mouth falls back to rest within this when its speech is gone."""

KEPT_SECONDS = 300.0
"""Frames of one reply that are kept; when full, the earliest are dropped."""

KEPT_ITEMS = 4
"""Replies whose frames are kept: the one that sounds, and what may follow."""

STALE_SECONDS = 1.0
"""A position that is older than this is not believed any more: the connection stalls, and the mouth closes."""

OFFSETS_KEPT = 100
"""Arrivals from which the delay of the line is judged: ten seconds."""

NODS_KEPT = 4
"""Nods that wait for an update; further ones are left out."""

DEEPEST_NOD = 0.2
"""Radians."""

MOODS_KEPT = 1000
"""Changes of mood of one reply that are kept."""

MOST_NAMES = 256

MOST_ROWS = 2400
"""Frames that one event may bring: ten seconds of the fastest. A server sends 600 at most."""

SHARES = tuple(byte / 255 for byte in range(256))
"""The weight of each byte; a frame holds these very numbers, and so little memory."""


class Happening(NamedTuple):
    """Something for Kit's bus: its name (``turn``) and what belongs to it."""

    name: str
    payload: dict[str, Any]


class Weights(NamedTuple):
    """Weights of speech, 0..1, beside the names that they belong to."""

    names: tuple[str, ...]
    values: tuple[float, ...]


class _Track:
    def __init__(self) -> None:
        self.times: list[float] = []
        self.frames: list[tuple[float, ...]] = []

    def add(self, time: float, weights: tuple[float, ...]) -> None:
        at = bisect_right(self.times, time)
        if at and self.times[at - 1] == time:
            self.frames[at - 1] = weights
            return
        self.times.insert(at, time)
        self.frames.insert(at, weights)
        while self.times[-1] - self.times[0] > KEPT_SECONDS:
            del self.times[0], self.frames[0]

    def at(self, time: float) -> tuple[float, ...] | None:
        after = bisect_right(self.times, time)
        if not after:
            return None
        since = time - self.times[after - 1]
        pose = self.frames[after - 1]
        if after < len(self.times) and (gap := self.times[after] - self.times[after - 1]) <= BRIDGED_SECONDS:
            share = since / gap
            return tuple(a + share * (b - a) for a, b in zip(pose, self.frames[after], strict=False))
        return pose if since <= HOLD_SECONDS else None


class _Clock:
    """How the server's milliseconds lie on this machine's clock: by the message that was fastest of the last ones."""

    def __init__(self) -> None:
        self._offsets: deque[float] = deque(maxlen=OFFSETS_KEPT)

    def heard_of(self, at_ms: float, now: float) -> None:
        self._offsets.append(now - at_ms / 1000)

    def here(self, at_ms: float) -> float:
        """The moment ``at_ms`` on this machine's clock."""
        return at_ms / 1000 + min(self._offsets, default=0.0)


class Performance:
    """One connection's conversation. ``lip_offset`` in seconds moves the lips: above zero they come later."""

    def __init__(self, lip_offset: float = 0.0) -> None:
        self.lip_offset = lip_offset
        self.floor = "listening"
        self.attention = "listening"
        """What her face shows she is about: a state of the floor, without what is too short to be shown."""
        self.nods: deque[tuple[float, bool]] = deque(maxlen=NODS_KEPT)
        """Nods to begin now: radians, and whether it is a double one. Whoever shows them takes them out."""
        self.latency_ms: float | None = None
        """Voice-to-voice of the last turn, as the server's ledger has it."""
        self.user = ""
        self.heard = ""
        self.late = 0
        """Frames that came after their moment."""
        self._names: tuple[str, ...] = ()
        self._tracks: dict[str, _Track] = {}
        self._moods: dict[str, list[tuple[float, str, float]]] = {}
        self._cleared: deque[str] = deque(maxlen=64)
        self._clock = _Clock()
        self._item = ""
        self._position = 0.0
        self._position_at = 0.0
        self._playing = False
        self._last: tuple[float, ...] = ()
        self._last_at = -RELEASE_SECONDS
        self._tellers: dict[str, Callable[[Mapping[str, Any], float], list[Happening]]] = {
            "session.updated": self._session,
            "sophia.emotion": self._emotion,
            "sophia.face.names": self._named,
            "sophia.face.frames": self._framed,
            "sophia.playout.position": self._moved,
            "sophia.playout.pause": self._stopped,
            "sophia.playout.clear": self._cleared_item,
            "sophia.floor": self._has_the_floor,
            "sophia.attention": self._attends,
            "sophia.nod": self._nods,
            "sophia.mood": self._feels,
            "sophia.turn.ledger": self._turn,
        }

    def told(self, event: Mapping[str, Any], now: float) -> list[Happening]:
        """Takes one event of the server, received at ``now``. What is unknown or makes no sense is ignored."""
        teller = self._tellers.get(str(event.get("type")))
        if teller is None:
            return []
        try:
            return teller(event, now)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError):  # binascii.Error is a ValueError
            return []

    def position(self, now: float) -> tuple[str, float] | None:
        """Which item is heard at ``now``, and how many seconds of it; ``None`` in silence."""
        if not self._playing or now - self._position_at > STALE_SECONDS:
            return None
        return self._item, self._position + max(0.0, now - self._position_at)

    def weights(self, now: float) -> Weights | None:
        """The weights of speech that are due at ``now``; ``None`` where speech moves nothing. Ask in rising order."""
        heard = self.position(now)
        pose = None
        if heard is not None:
            track = self._tracks.get(heard[0])
            pose = track.at(heard[1] + LEAD_SECONDS - self.lip_offset) if track else None
        if pose is not None:
            self._last, self._last_at = pose, now
        else:
            fading = 1.0 - (now - self._last_at) / RELEASE_SECONDS
            if fading <= 1e-6:
                return None
            pose = tuple(fading * weight for weight in self._last)
        return Weights(self._names, pose)

    def mood(self, now: float) -> dict[str, float]:
        """The mood of what is heard at ``now``, a share of 0 to 1; empty if there is none."""
        heard = self.position(now)
        if heard is None:
            return {}
        felt = [change for change in self._moods.get(heard[0], ()) if change[0] <= heard[1]]
        return {felt[-1][1]: felt[-1][2]} if felt and felt[-1][1] else {}

    # What the server tells

    def _session(self, event: Mapping[str, Any], now: float) -> list[Happening]:
        emotions = event["session"].get("sophia", {}).get("emotions")
        return [Happening("emotion", _emotions(emotions))] if emotions else []

    def _emotion(self, event: Mapping[str, Any], now: float) -> list[Happening]:
        return [Happening("emotion", _emotions(event["emotions"]))]

    def _named(self, event: Mapping[str, Any], now: float) -> list[Happening]:
        names = tuple(str(name) for name in event["names"])
        if len(names) <= MOST_NAMES and names != self._names:
            self._names = names
            self._tracks.clear()
            self._last = ()
            self._last_at = now - RELEASE_SECONDS
        return []

    def _framed(self, event: Mapping[str, Any], now: float) -> list[Happening]:
        item, wide = str(event["item_id"]), len(self._names)
        start, fps = _number(event["audio_start_ms"]) / 1000, _number(event["fps"])
        rows = base64.b64decode(event["weights"], validate=True)
        if item in self._cleared or not wide or len(rows) % wide or not 1.0 <= fps <= 240.0:
            return []
        if len(rows) > MOST_ROWS * wide:
            return []
        if not 0.0 <= start < 1e6:
            return []
        track = self._tracks.get(item)
        if track is None:
            while len(self._tracks) >= KEPT_ITEMS:
                del self._tracks[next(iter(self._tracks))]
            track = self._tracks[item] = _Track()
        heard = self.position(now)
        due = heard[1] if heard and heard[0] == item else -1.0
        for row in range(len(rows) // wide):
            time = start + row / fps
            self.late += time < due
            track.add(time, tuple(SHARES[byte] for byte in rows[row * wide : (row + 1) * wide]))
        return []

    def _moved(self, event: Mapping[str, Any], now: float) -> list[Happening]:
        at_ms, position = _number(event["at_ms"]), _number(event["audio_ms"]) / 1000
        self._clock.heard_of(at_ms, now)
        self._item, self._playing = str(event["item_id"]), bool(event["playing"])
        self._position = position
        self._position_at = self._clock.here(at_ms)
        return []

    def _stopped(self, event: Mapping[str, Any], now: float) -> list[Happening]:
        if str(event["item_id"]) == self._item:
            self._playing = False
        return []

    def _cleared_item(self, event: Mapping[str, Any], now: float) -> list[Happening]:
        item = str(event["item_id"])
        self._cleared.append(item)
        self._tracks.pop(item, None)
        return self._stopped(event, now)

    def _has_the_floor(self, event: Mapping[str, Any], now: float) -> list[Happening]:
        before, self.floor = self.floor, str(event["state"])
        speaks = ("speaking", "ducked", "paused")
        happenings = []
        if self.floor == "interrupted" and before != "interrupted":
            happenings.append(Happening("interrupted", {}))
        if self.floor in speaks and before not in speaks:
            happenings.append(Happening("started", {}))
        elif before in speaks and self.floor not in speaks:
            happenings.append(Happening("stopped", {}))
        return happenings

    def _attends(self, event: Mapping[str, Any], now: float) -> list[Happening]:
        self.attention = str(event["to"])
        return []

    def _nods(self, event: Mapping[str, Any], now: float) -> list[Happening]:
        self.nods.append((min(DEEPEST_NOD, max(0.0, _number(event["depth"]))), bool(event["twice"])))
        return []

    def _feels(self, event: Mapping[str, Any], now: float) -> list[Happening]:
        item, start = str(event["item_id"]), _number(event["audio_start_ms"]) / 1000
        share = min(1.0, max(0.0, _number(event["share"])))
        if item not in self._moods:
            while len(self._moods) >= KEPT_ITEMS:
                del self._moods[next(iter(self._moods))]
            self._moods[item] = []
        if len(self._moods[item]) < MOODS_KEPT:
            self._moods[item].append((start, str(event["mood"])[:32], share))
        return []

    def _turn(self, event: Mapping[str, Any], now: float) -> list[Happening]:
        latency = event.get("voice_to_voice_ms")
        self.latency_ms = None if latency is None else _number(latency)
        self.user, self.heard = str(event.get("user") or ""), str(event.get("heard") or "")
        payload = {
            "turn": int(event["turn"]),
            "outcome": str(event.get("outcome") or ""),
            "user": self.user,
            "heard": self.heard,
            "voice_to_voice_ms": -1.0 if self.latency_ms is None else self.latency_ms,
            "trace_id": str(event.get("trace_id") or ""),
        }
        return [Happening("turn", payload)]


def _emotions(emotions: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): _number(share) for name, share in emotions.items()}


def _number(value: Any) -> float:
    """``value`` as a float; raises ``ValueError`` for what would poison a clock: not-a-number and infinity."""
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number
