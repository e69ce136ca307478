"""A client that comes back, over the real server: it tells what was said before, and has a part of it forgotten."""

import pytest
from plain_client import plain
from rooms import house
from test_written_talk import Deaf

pytestmark = pytest.mark.services


async def test_the_model_is_given_the_past_and_not_what_was_deleted(tmp_path, pki):
    lab = Deaf()
    async with house(tmp_path, pki, lab=lab) as (client, url, _), plain(client, url) as one:
        await one.update(output_modalities=["text"])
        past = (
            ("u1", "user", "input_text", "My name is Kim."), ("a1", "assistant", "output_text", "Hello Kim."),
            ("u2", "user", "input_text", "I like tea."), ("a2", "assistant", "output_text", "So do I."),
        )  # fmt: skip
        for name, role, kind, text in past:
            item = {"id": name, "type": "message", "role": role, "content": [{"type": kind, "text": text}]}
            await one.say("conversation.item.create", item=item)
        await one.write("What is my name?")
        await one.wait("response.done")
        told = lab.prompts[-1]
        places = [told.index(text) for *_, text in past] + [told.index("What is my name?")]
        assert places == sorted(places)
        for name in ("u1", "a1"):
            await one.say("conversation.item.delete", item_id=name)
        await one.write("And what do I like?")
        await one.wait("response.done", 2)
        assert "Kim" not in lab.prompts[-1]
        assert "I like tea." in lab.prompts[-1]
        assert "What is my name?" in lab.prompts[-1]
        assert not one.of("error")
