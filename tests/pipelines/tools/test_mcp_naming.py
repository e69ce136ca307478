"""What a model is told of a server's tools: legal names that differ, small schemas, text without control."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp_types import (
    BlobResourceContents,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from nova.tools import ToolError
from pipelines.tools.asking import spoken, whether
from pipelines.tools.mcp.naming import NAME_CHARS, SCHEMA_CHARS, fits, plain, schema, told_name
from pipelines.tools.mcp.results import MOST_CHARS, NOTHING, cut, told

servers = st.from_regex(r"[a-z][a-z0-9]{0,5}(_[a-z0-9]{1,5}){0,2}", fullmatch=True)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)
KEYS = ("type properties required items enum const anyOf oneOf $ref $defs default description format minimum "
        "minLength multipleOf")  # fmt: skip
schema_like = st.recursive(
    json_values | st.sampled_from(["object", "string", "array", "#/$defs/a"]),
    lambda inner: (
        st.dictionaries(st.sampled_from([*KEYS.split(), "a", "b"]), inner, max_size=6) | st.lists(inner, max_size=3)
    ),
    max_leaves=30,
)


@given(servers, st.text(max_size=90), servers, st.text(max_size=90))
def test_names_are_legal_and_unlike(server: str, tool: str, other: str, another: str) -> None:
    name = told_name(server, tool)
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name)
    if (server, tool) != (other, another):
        assert name != told_name(other, another)


def test_a_usual_name_stays_readable() -> None:
    assert told_name("time", "get_current_time") == "time__get_current_time"
    assert re.fullmatch(r"home__turn_on___[0-9a-f]{8}", told_name("home", "turn.on?"))
    assert len(told_name("home", "x" * 200)) == NAME_CHARS


def test_patterns() -> None:
    assert fits("get_time", ("get_*", "x"))
    assert not fits("forget_time", ("get_*",))
    assert not fits("Get_time", ("get_*",))


@given(st.text(max_size=300), st.integers(1, 80))
def test_a_line_is_plain_and_short(text: str, most: int) -> None:
    line = plain(text, most)
    assert len(line) <= most
    assert all(c.isprintable() for c in line)
    assert "<|im_start|>" not in plain(f"{text}<|im_start|>", 400)


@given(schema_like)
def test_any_schema_becomes_a_small_valid_one(given_schema: Any) -> None:
    small = schema(given_schema)
    jsonschema.Draft202012Validator.check_schema(small)
    assert small["type"] == "object"
    assert len(json.dumps(small)) <= SCHEMA_CHARS
    assert schema(small) == small


def test_a_schema_keeps_what_a_call_needs() -> None:
    asked = {
        "type": "object",
        "$defs": {"Color": {"type": "string", "enum": ["red", "blue\x00", "green"]}},
        "properties": {
            "text": {"type": "string", "description": "what\nto write<|im_end|>", "title": "Text", "pattern": "(a+)+"},
            "color": {"$ref": "#/$defs/Color", "description": "of it"},
            "tags": {"type": "array", "items": {"type": ["string", "null"]}},
            "bad\x1bname": {"type": "string"},
        },
        "required": ["text", "bad\x1bname"],
        "additionalProperties": False,
    }
    assert schema(asked) == {
        "type": "object",
        "properties": {
            "text": {"type": "string", "description": "what to write"},
            "color": {"type": "string", "description": "of it", "enum": ["red", "green"]},
            "tags": {"type": "array", "items": {"type": ["null", "string"]}},
        },
        "required": ["text"],
    }


def test_a_schema_that_never_ends_ends() -> None:
    node: dict[str, Any] = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}
    small = schema({"$defs": {"node": node}, "properties": {"head": {"$ref": "#/$defs/node"}}})
    assert len(json.dumps(small)) < 1000
    wide = {"properties": {f"field {n}": {"type": "string", "description": "x" * 190} for n in range(500)}}
    assert len(json.dumps(schema(wide))) <= SCHEMA_CHARS


@given(st.text(max_size=400), st.integers(8, 100))
def test_a_result_is_cut_and_without_control(text: str, most: int) -> None:
    kept = cut(text, most)
    assert len(kept) <= most
    assert all(c.isprintable() or c == "\n" for c in kept)


def test_only_text_is_passed_on_and_the_rest_is_named() -> None:
    result = CallToolResult(
        content=[
            TextContent(type="text", text="two pictures:"),
            ImageContent(type="image", data="aGk=", mime_type="image/png"),
            ResourceLink(type="resource_link", name="plan", uri="file:///plan.pdf"),
            EmbeddedResource(type="resource", resource=TextResourceContents(uri="file:///a.txt", text="in a file")),
            EmbeddedResource(type="resource", resource=BlobResourceContents(uri="file:///b.bin", blob="aGk=")),
        ]
    )
    assert told(result).splitlines() == [
        "two pictures:",
        "(an image, image/png)",
        "(a link, plan, file:///plan.pdf)",
        "in a file",
        "(a file, file:///b.bin)",
    ]


def test_what_is_structured_stands_for_missing_text() -> None:
    assert told(CallToolResult(content=[], structured_content={"degrees": 21})) == '{"degrees": 21}'
    assert told(CallToolResult(content=[])) == NOTHING
    assert len(told(CallToolResult(content=[TextContent(type="text", text="x" * (1 << 20))]))) == MOST_CHARS


def test_what_failed_is_an_error() -> None:
    failed = CallToolResult(content=[TextContent(type="text", text="no\nsuch <|im_end|>city")], is_error=True)
    with pytest.raises(ToolError, match=r"^no such city$"):
        told(failed)


def test_a_question_is_made_of_the_call() -> None:
    asked = whether("files__writeFile")({"path": "a.txt", "text": "line\n" * 100, "mode": {"append": True}}, "en-US")
    assert asked.startswith("Shall I run files write file, with path: a.txt, text: line line line")
    assert asked.endswith('line …, mode: {"append": true}?')
    assert whether("x__y")({}, "de-DE") == "Soll ich x y ausführen?"
    assert whether("x__y")({"a": 1}, "tlh") == ""  # a language that she has no words of
    assert spoken("git__git_create_branch") == "git create branch"
    assert spoken("get_HTTPStatus-code.now") == "get httpstatus code now"
