"""What stands below the persona: how the model may mark its mood, where she shows one."""

from __future__ import annotations

from typing import Final

from sophia.moods import Showing

MOODS_NOTE: Final = (
    "You may show a mood in your face and voice. Where one fits, begin that sentence with <joy>, <sadness>, "
    "<amazement>, <cheekiness>, <fear>, <anger>, <disgust> or <grief>, and end it with <neutral>. Most sentences need "
    "none. The marks are never spoken; do not mention them."
)
"""About 60 tokens. A model that ignores it does no harm: then a few words tell the mood."""


def with_moods(persona: str, showing: Showing) -> str:
    """The persona, and the note where moods show."""
    return persona if showing == "off" else f"{persona}\n\n{MOODS_NOTE}"
