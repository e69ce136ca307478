"""Settings of tools: groups by names of their own, their paths and secrets, and one line for each mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
from settings_mistakes import lines

from pipelines.settings.model import load_settings, reference, shareable

SERVERS = """\
tools:
  mcp:
    clock:
      command: mcp-server-time
      env: {Locale: de}
      env_files: {API_TOKEN: secrets/token}
      cwd: work
    web:
      url: https://tools.lab/mcp
      headers: {X-Team: red, Authorization: Basic abc}
  approve: {"web__*": never, "*": always}
"""


def test_servers_have_names_and_their_paths_count_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text(SERVERS)
    tools = load_settings(tmp_path / "my.yaml", {}, {}).tools
    assert list(tools.mcp) == ["clock", "web"]
    assert tools.mcp["clock"].cwd == tmp_path / "work"
    assert tools.mcp["clock"].env_files == {"API_TOKEN": tmp_path / "secrets/token"}
    endpoint = tools.mcp["web"].endpoint
    assert (endpoint.target, endpoint.tls.enabled) == ("tools.lab:443", True)
    assert endpoint.metadata == {"x-team": "red", "authorization": "Basic abc"}
    assert list(tools.approve.items()) == [("web__*", "never"), ("*", "always")]


def test_each_layer_changes_one_key_of_a_server(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text(SERVERS)
    environment = {"SOPHIA_TOOLS__MCP__CLOCK__SECONDS": "3", "SOPHIA_TOOLS__MCP__CLOCK__ENV__Zone": "x"}
    changed = load_settings(tmp_path / "my.yaml", {"tools.mcp.web.allow": "[get_*]"}, environment).tools.mcp
    assert changed["clock"].seconds == 3
    assert changed["clock"].env == {"Locale": "de", "Zone": "x"}
    assert changed["web"].allow == ("get_*",)


def test_what_may_be_secret_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text(SERVERS)
    shown = shareable(load_settings(tmp_path / "my.yaml", {}, {}))["tools"]["mcp"]
    assert shown["web"]["headers"] == {"X-Team": "red", "Authorization": "…"}
    assert shown["clock"]["env_files"] == {"API_TOKEN": "…"}


def test_the_reference_names_the_keys_of_a_named_group() -> None:
    told = {key: description for key, _, _, description in reference()}
    assert told["tools.mcp.NAME.command"]
    assert told["tools.agents.NAME.endpoint.tls.ca"]
    assert "tools.mcp" not in told


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (
            "Home: {command: x}",
            "tools.mcp.Home = 'Home' does not fit: a name has up to 24 small letters and digits, with",
        ),
        (
            "a__b: {command: x}",
            "tools.mcp.a__b = 'a__b' does not fit: a name has up to 24 small letters and digits, with",
        ),
        ("a: {comand: x}", "tools.mcp.a.comand is not a setting; did you mean tools.mcp.a.command? (tools.mcp.a has: "),
        (
            "a: {command: x, url: 'http://b/'}",
            "tools.mcp.a does not fit: name a command that is started, or the url of",
        ),
        (
            "a: {}",
            "tools.mcp.a does not fit: name a command that is started, or the url of a server that runs, and not",
        ),
        ("a: {url: 'ftp://b'}", "tools.mcp.a does not fit: write the url as http(s)://host:port/path, for example "),
        (
            "a: {url: 'http://u:p@b/'}",
            "tools.mcp.a does not fit: write the url as http(s)://host:port/path, for example ",
        ),
        ("a: {url: 'http://b', api_key_file: k}", "tools.mcp.a does not fit: an API key is only sent over https."),
        (
            "a: {url: 'https://b', args: [x]}",
            "tools.mcp.a does not fit: args, env, env_files and cwd belong to a command",
        ),
        ("a: {command: x, headers: {a: b}}", "tools.mcp.a does not fit: headers, api_key_file and ca belong to a url."),
        ("a: {command: x, env: {a-b: c}}", "tools.mcp.a does not fit: 'a-b' cannot be the name of a variable."),
        ("a: {command: x, seconds: 0}", "tools.mcp.a.seconds = 0 must be a number above 0 up to 120."),
        ("a: 5", "tools.mcp.a = 5 must be a group of settings: command, args, env, "),
    ],
)
def test_a_mistake_in_a_server_is_one_line(tmp_path: Path, server: str, expected: str) -> None:
    (line,) = lines(tmp_path, f"tools:\n  mcp:\n    {server}\n")
    assert line.startswith(f"my.yaml:3: {expected}")


def test_what_is_missing_is_told_where_its_group_stands(tmp_path: Path) -> None:
    told = lines(tmp_path, "tools:\n  agents:\n    planner: {model: x}\n")
    assert told == ("my.yaml:3: tools.agents.planner.description is missing.",)
