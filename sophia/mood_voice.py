"""How the voice shows a mood: by a variant of it that the service has, or else by a little speed and pitch.

Nothing is assumed of a service. Variants are those that it lists (``Magpie-Multilingual.EN-US.Aria.Happy``). Speed and
pitch go as SSML to services that are known to read it: FastPitch, and the embedded one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

from sophia.mood_clauses import Mood
from sophia.moods import Showing

VARIANTS: Final = {
    "amazement": ("PleasantSurprised", "Surprised"),
    "anger": ("Angry",),
    "cheekiness": ("Happy",),
    "disgust": ("Disgusted",),
    "fear": ("Fearful",),
    "grief": ("Sad",),
    "joy": ("Happy",),
    "pain": ("Sad",),
    "sadness": ("Sad",),
}
"""What NVIDIA's voices call them, in the order of preference."""

STYLES: Final = {style.lower() for styles in VARIANTS.values() for style in styles} | {"neutral", "calm"}

PROSODY: Final = {
    "amazement": (1.05, 16.0),
    "anger": (1.06, 4.0),
    "cheekiness": (1.05, 10.0),
    "disgust": (0.94, -8.0),
    "fear": (1.08, 12.0),
    "grief": (0.86, -14.0),
    "joy": (1.06, 14.0),
    "outofbreath": (1.10, 6.0),
    "pain": (0.92, -6.0),
    "sadness": (0.90, -12.0),
}
"""Rate, and Hz added to the pitch, at the fullest. Half of it where moods are subtle."""

SUBTLE: Final = 0.5


class Ability(NamedTuple):
    """What a service can do: the ``names`` of its voices, and whether it reads SSML."""

    names: tuple[str, ...] = ()
    ssml: bool = False


class Delivery(NamedTuple):
    """How a text is asked for: the voice's name, and the text, which may be SSML."""

    voice: str
    text: str


def reads_ssml(model: str) -> bool:
    """Whether a model of this name reads SSML's prosody."""
    return "fastpitch" in model.lower() or model.lower().endswith("-embedded")


def deliver(text: str, mood: Mood, showing: Showing, voice: str, ability: Ability) -> Delivery:
    """How ``text`` is asked for in a mood. Variants are strong, so only a full mood takes one."""
    if showing == "off" or not mood.name:
        return Delivery(voice, text)
    if showing == "full" and (variant := _variant(voice, mood.name, ability.names)):
        return Delivery(variant, text)
    if not ability.ssml:
        return Delivery(voice, text)
    share = mood.share * (1.0 if showing == "full" else SUBTLE)
    rate, pitch = PROSODY[mood.name]
    said = f'rate="{100 + 100 * (rate - 1.0) * share:.0f}%" pitch="{pitch * share:+.1f}Hz"'
    return Delivery(voice, f"<speak><prosody {said}>{escape(text)}</prosody></speak>")


def _variant(voice: str, mood: str, names: Iterable[str]) -> str | None:
    stem, _, style = voice.rpartition(".")
    base = stem if style.lower() in STYLES else voice
    known = {name.lower(): name for name in names}
    wanted = (f"{base}.{style}".lower() for style in VARIANTS.get(mood, ()))
    return next((known[name] for name in wanted if name in known), None) if base else None
