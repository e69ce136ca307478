"""Tools of the user's own modules, and modules that are none."""

import asyncio

import pytest
from pydantic import ValidationError

from nova.tools import Tool
from pipelines.settings.layers import SettingsError
from pipelines.settings.model import Settings
from pipelines.tools.modules import tools_of
from pipelines.tools.opened import opened
from pipelines.tools.place import SessionPlace

LAB = '''
from nova import tool

@tool(reads=True)
async def pressure(line: int) -> str:
    """The pressure of a line."""
    return f"{line} bar"

@tool()
async def vent() -> str:
    """Opens the vent."""
    return "open"

unrelated = 3
'''


@pytest.fixture
def written(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(name, text):
        (tmp_path / f"{name}.py").write_text(text)
        return name

    return write


def test_every_tool_of_a_module_is_offered_in_its_order(written):
    name = written("lab_tools_in_order", LAB)
    assert [tool.name for tool in tools_of([name])] == ["pressure", "vent"]
    assert all(isinstance(tool, Tool) for tool in tools_of([name]))

    async def go():
        async with opened(Settings(tools={"use": (), "modules": (name,)}), (), print) as workshop:
            return await workshop.tools(SessionPlace())[0].run({"line": 3})

    assert asyncio.run(go()) == "3 bar"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import no_such_thing", "cannot be imported: ModuleNotFoundError"),
        ("1/0", "cannot be imported: ZeroDivisionError"),
        ("def f(:", "cannot be imported: SyntaxError"),
        ("x = 1", "mark an async function of it with @nova.tool()"),
    ],
)
def test_a_module_that_is_none_is_told_in_one_line(written, text, told):
    name = written(f"lab_tools_{abs(hash(text))}", text)
    with pytest.raises(SettingsError) as caught:
        tools_of([name])
    assert told in str(caught.value)
    assert str(caught.value).startswith(f"tools.modules: {name} ")


def test_a_name_that_is_no_module_is_refused_by_the_settings():
    for name in ("../lab", "lab tools", "", "os;rm"):
        with pytest.raises(ValidationError):
            Settings(tools={"modules": (name,)})
