"""PortAudio by the ``sounddevice`` package, imported when a device is first wanted, and without what it prints."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
from types import ModuleType

_HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p)
_silent = _HANDLER(lambda *_: None)  # kept for good: the library calls it


def sounddevice() -> ModuleType:
    """The module; raises ``OSError`` where the PortAudio library is not installed (the wheel for Linux has none).

    ALSA's library writes each underrun to standard error, in the middle of whatever the terminal shows; the card's
    status flags tell the same, and are counted. So its messages are switched off.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libasound.so.2").snd_lib_error_set_handler(_silent)
    return importlib.import_module("sounddevice")
