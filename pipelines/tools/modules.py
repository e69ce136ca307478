"""Tools of yours, out of Python modules that the settings name: every :class:`nova.Tool` that stands in one."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from nova.tools import Tool
from pipelines.settings.layers import SettingsError


def tools_of(modules: Iterable[str]) -> tuple[Tool, ...]:
    """The tools of these modules, in their order, which is that of their definition within one.

    The modules are imported as Python does, from the working directory too where ``python -m`` is used. Raises
    ``SettingsError`` for one that cannot be imported, or has no tool.
    """
    found: list[Tool] = []
    for name in modules:
        try:
            module = import_module(name)
        except Exception as error:  # whatever the module does while it is imported
            told = f"tools.modules: {name} cannot be imported: {type(error).__name__}: {error}."
            raise SettingsError([told]) from error
        tools = [value for value in vars(module).values() if isinstance(value, Tool)]
        if not tools:
            raise SettingsError([f"tools.modules: {name} has no tool; mark an async function of it with @nova.tool()."])
        found += tools
    return tuple(found)
