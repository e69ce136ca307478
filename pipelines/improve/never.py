"""What is never automatic, in one place. Each entry says what keeps it so; ``tests/…/test_improve_never.py`` tries it.

Nothing in here is a setting. Whoever wants to change an entry changes this file, and is seen doing it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

NEVER: Final[Mapping[str, str]] = {
    "recording without consent": "a version sets nothing but the keys of pipelines/settings/tunable.py",
    "widening what is kept, or for how long": "a version sets nothing but the keys of pipelines/settings/tunable.py",
    "training on people's words": "the loop starts no training: its rooms do not import any",
    "promoting a model for what it says": "a version sets nothing but the keys of pipelines/settings/tunable.py",
    "settings outside their bounds": "a version outside the bounds can be neither made nor read",
    "lowering a guardrail": "guardrails are constants; a version that was approved under others is not judged",
    "a change of safety or approval rules": "a version sets nothing but the keys of pipelines/settings/tunable.py",
    "taking a version into conversations": "only a person makes that move, and only with an approval",
    "undoing a rollback": "nothing leads out of withdrawn; the same changes are not proposed again by the program",
    "deleting evidence": "the store has no function for it; a version without its evidence goes no further",
}
"""What a person does, or nobody; and how that is enforced."""
