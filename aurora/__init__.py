"""Aurora, Sophia's face: Audio2Face bridge, face timeline and idle motion.

Knows nothing of speech (``sophia``), the mind (``nova``) or the programs that join them (``pipelines``). What stands
here is public: the protocol that a face of your own can satisfy, and the data that it exchanges.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aurora.errors import FaceError as FaceError
    from aurora.face import ARKIT as ARKIT
    from aurora.face import Face as Face
    from aurora.face import FaceFrame as FaceFrame
    from aurora.face import Weights as Weights
    from aurora.sync import Sync as Sync
    from aurora.timeline import FaceTimeline as FaceTimeline

_WHERE = {
    "ARKIT": "aurora.face",
    "Face": "aurora.face",
    "FaceError": "aurora.errors",
    "FaceFrame": "aurora.face",
    "FaceTimeline": "aurora.timeline",
    "Sync": "aurora.sync",
    "Weights": "aurora.face",
}

__all__ = list(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)
