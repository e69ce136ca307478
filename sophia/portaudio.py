"""PortAudio by the ``sounddevice`` package, imported when a device is first wanted, and without what it prints."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, Literal, TypeVar

RATES = (48_000, 44_100, 32_000, 96_000, 16_000, 24_000, 22_050, 8_000, 88_200, 192_000)
"""Rates in Hz that a device may do where it takes neither ours nor the one that it calls its own."""

CHANNELS = (1, 2, 4, 6, 8, 16, 32)
"""Numbers of channels that a device may want, beside the most that it has."""

UNFIT = ("invalid sample rate", "invalid number of channels", "sample format")
"""What PortAudio says if another rate or number of channels may do."""

T = TypeVar("T")

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


class _Streams:
    """Who has a stream, so that the devices can be listed anew while nobody has.

    PortAudio lists devices when it is started. One that was plugged in later is not found until it is started again,
    and that ends every stream there is.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owners: set[object] = set()
        self._stale = False

    def enter(self, sd: Any, owner: object) -> None:
        """``owner`` is about to open a stream. May take a second; not on the event loop."""
        with self._lock:
            if self._stale and not self._owners:
                for again in ("_terminate", "_initialize"):  # not public, so they may be gone one day
                    with contextlib.suppress(AttributeError, sd.PortAudioError):
                        getattr(sd, again)()
                self._stale = False
            self._owners.add(owner)

    def leave(self, owner: object) -> None:
        """``owner`` has no stream any more, or did not get one. May be told twice."""
        with self._lock:
            self._stale = self._stale or owner in self._owners
            self._owners.discard(owner)


STREAMS = _Streams()
"""Of this process, as PortAudio is."""


def formats(
    sd: Any, kind: Literal["input", "output"], device: str | int | None, rate: int
) -> Iterator[tuple[int, int]]:
    """Rates in Hz and numbers of channels that the device says it takes, nearest to mono at ``rate`` first.

    The last is what it calls its own: opening that will say what is wrong. Raises what ``sd`` raises for a device that
    does not exist.
    """
    about = sd.query_devices(device, kind)
    own = round(float(about["default_samplerate"]))
    most = int(about.get(f"max_{kind}_channels", 2))
    check = sd.check_input_settings if kind == "input" else sd.check_output_settings
    for one_rate in dict.fromkeys((rate, own, *RATES)):
        for channels in dict.fromkeys((1, 2, most, *CHANNELS)):
            if 0 < channels <= max(2, most):
                with contextlib.suppress(sd.PortAudioError):
                    check(device=device, channels=channels, dtype="int16", samplerate=one_rate)
                    yield one_rate, channels
    yield own, max(1, most)


def first_that_opens(sd: Any, offered: Iterator[tuple[int, int]], opened: Callable[[int, int], T]) -> T:
    """What ``opened`` returns for the first rate and number of channels that can be opened.

    Drivers promise formats that they then refuse. Raises the last refusal, and any other error at once.
    """
    refused: Exception | None = None
    for rate, channels in offered:
        try:
            return opened(rate, channels)
        except sd.PortAudioError as error:
            if not any(unfit in str(error).lower() for unfit in UNFIT):
                raise
            refused = error
    assert refused is not None, "a device always offers its own format"
    raise refused
