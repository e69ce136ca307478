"""NVTX ranges for Nsight Systems, if the ``nvtx`` package (the extra of that name) is installed; otherwise nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

try:
    import nvtx
except ImportError:
    nvtx = None


def _ranges(library: Any) -> Callable[[str], AbstractContextManager[None]]:
    @contextmanager
    def mark(name: str) -> Iterator[None]:
        # Not push and pop: those nest by thread, and on one event loop the stages of a reply overlap.
        handle = library.start_range(message=name, domain="sophia")
        try:
            yield
        finally:
            library.end_range(handle)

    return mark


_NOTHING: AbstractContextManager[None] = nullcontext()
_mark = None if nvtx is None else _ranges(nvtx)


def stage(name: str) -> AbstractContextManager[None]:
    """A context manager that shows ``name`` as a range in a profile, across awaits; free without ``nvtx``."""
    return _NOTHING if _mark is None else _mark(name)
