"""The tools that come along, by the names of ``tools.use``."""

from __future__ import annotations

from collections.abc import Callable

from nova.tools import Tool
from pipelines.settings.model import Settings
from pipelines.settings.tools import Bundle
from pipelines.tools.arithmetic import calculate
from pipelines.tools.clock import clock
from pipelines.tools.stack import stack
from pipelines.tools.timers import Timers
from pipelines.tools.units import convert_units
from pipelines.tools.workshop import Place

Make = Callable[[Place], tuple[Tool, ...]]


class Bundled:
    """A :class:`~pipelines.tools.workshop.Workshop` of what ``settings.tools.use`` names."""

    def __init__(self, settings: Settings) -> None:
        tell_time, looks = clock(), stack(settings)
        makers: dict[Bundle, Make] = {
            "clock": lambda place: (tell_time,),
            "timers": lambda place: Timers(place).tools(),
            "arithmetic": lambda place: (calculate,),
            "units": lambda place: (convert_units,),
            "stack": lambda place: looks,
        }
        self._makers = [makers[name] for name in dict.fromkeys(settings.tools.use)]

    def tools(self, place: Place) -> tuple[Tool, ...]:
        return tuple(tool for make in self._makers for tool in make(place))
