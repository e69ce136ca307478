"""The picture shows what the settings wire, nothing else, and is well-formed Mermaid."""

import re

import pytest

from pipelines.settings.model import load_settings
from pipelines.talk.graph import mermaid

NODE = re.compile(r'^ {4}(\w+)(?:\["[^"]*"\]|\(\["[^"]*"\]\))$')
ARROW = re.compile(r'^ {2}(\w+) (?:-->|-\.->)\|"[^"]*"\| (\w+)$')
OTHER = re.compile(r'^(flowchart LR| {2}subgraph room\d\["[^"]*"\]| {2}end)$')


def settings(**overrides):
    return load_settings(None, {key.replace("__", "."): value for key, value in overrides.items()}, {})


def parsed(text):
    nodes, arrows = set(), set()
    for line in text.splitlines():
        if found := NODE.match(line):
            nodes.add(found[1])
        elif found := ARROW.match(line):
            arrows.add(found.groups())
        else:
            assert OTHER.match(line), line
    return nodes, arrows


@pytest.mark.parametrize(
    "overrides",
    [{}, {"face__enabled": "false"}, {"microphone__echo": "off"}, {"llm__backend": "openai"}, {"embedded": "true"}],
)
def test_every_arrow_joins_parts_that_are_there_and_no_part_stands_alone(overrides):
    nodes, arrows = parsed(mermaid(settings(**overrides)))
    joined = {end for arrow in arrows for end in arrow}
    assert joined == nodes


def test_it_names_what_is_wired():
    text = mermaid(
        settings(
            asr__endpoint__target="riva.lab:50051",
            llm__model="nova_vllm",
            llm__endpoint__tls__enabled="false",
            tts__voice="English-US.Male-1",
            microphone__device="USB",
        )
    )
    for piece in ("riva.lab:50051, TLS", "nova_vllm", "localhost:8001, plaintext", "English-US.Male-1", "device USB"):
        assert piece in text


def test_what_is_off_is_not_drawn():
    nodes, _ = parsed(mermaid(settings(face__enabled="false", microphone__echo="off")))
    assert not nodes & {"face", "performer", "echo"}
    nodes, _ = parsed(mermaid(settings()))
    assert {"face", "performer", "echo"} <= nodes


def test_stand_ins_for_microphone_and_loudspeaker():
    text = mermaid(settings(), source="3 soundbites", sink="reply.wav")
    assert 'source["3 soundbites"]' in text
    assert 'sink["reply.wav"]' in text
    assert "microphone" not in text


def test_names_cannot_break_the_drawing():
    text = mermaid(settings(), source='a "b"] --> <script>#1', sink="x\ny")
    parsed(text)
    assert "a #quot;b#quot;] --#gt; #lt;script#gt;#35;1" in text


def test_embedded_services_have_no_address_yet():
    text = mermaid(settings(embedded="true"))
    assert text.count("embedded, started with the loop") == 4
    assert "localhost" not in text
    text = mermaid(settings(embedded="[face, asr]"))
    assert text.count("embedded, started with the loop") == 2
    assert "localhost:8001" in text


def test_who_judges_the_sound_is_drawn_where_somebody_does():
    assert "smart-turn" not in mermaid(settings())
    assert "smart-turn" in mermaid(settings(turns__sound_veto="0.1"))
