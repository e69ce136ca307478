from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.generation import Prompting, TritonSettings
from nova.mind import Message
from nova.prompts import BUILT_IN, ChatTemplate
from nova.thoughts import CALLS, THOUGHTS, SpokenText

STOPS = ("<|im_end|>", "\n\n", "\n\nUser:")
PIECES = st.lists(
    st.sampled_from(
        [
            "<think>",
            "</think>",
            "<thinking>",
            "</thinking>",
            "<|im_end|>",
            "<thi",
            "nk>",
            "<",
            "/",
            ">",
            "a",
            " b ",
            "\n",
        ]
    ),
    max_size=12,
)


def spoken(pieces: list[str], *, thinking: bool = False, stops: tuple[str, ...] = STOPS) -> str:
    filter_ = SpokenText(stops, thinking=thinking)
    return "".join([filter_.feed(p) for p in pieces]) + filter_.flush()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello.", "Hello."),
        ("<think>hm, let me see</think>\n\nYes.", "Yes."),
        ("<think></think>Yes.", "Yes."),
        ("  Yes. ", "Yes. "),
        ("One. <think>two</think> Three.", "One. Three."),
        ("<thinking>x</thinking>Yes", "Yes"),
        ("<think>never closed", ""),
        ("</think>Yes", "Yes"),
        ("3 < 4 and <b>", "3 < 4 and <b>"),
        ("Yes.<|im_end|>more", "Yes."),
        ("Yes.\n\nUser: no", "Yes."),
        ("<think>a<|im_end|>b</think>c", "c"),
        ("ends with <thin", "ends with <thin"),
    ],
)
def test_only_what_is_meant_for_the_ear_is_spoken(text: str, expected: str) -> None:
    assert spoken([text]) == expected


def test_a_prompt_that_opened_the_thought() -> None:
    assert spoken(["so they want", " a fact</think>", "Paris."], thinking=True) == "Paris."


def test_nothing_comes_after_a_stop() -> None:
    filter_ = SpokenText(("<|im_end|>",))
    assert filter_.feed("a<|im_end|>b") == "a"
    assert filter_.stopped
    assert filter_.feed("c") == ""
    assert filter_.flush() == ""


def test_ordinary_text_is_not_held_back() -> None:
    filter_ = SpokenText(STOPS)
    assert filter_.feed("Hello") == "Hello"
    assert filter_.feed(", you <") == ", you "
    assert filter_.feed("3") == "<3"


@given(pieces=PIECES, thinking=st.booleans(), data=st.data())
def test_any_chunking_gives_the_same_text(pieces: list[str], thinking: bool, data: st.DataObject) -> None:
    text = "".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    chunks = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    whole = spoken([text], thinking=thinking)
    assert spoken(chunks, thinking=thinking) == whole
    assert spoken(list(text), thinking=thinking) == whole
    assert not any(mark in whole for mark in ("<|im_end|>",))


HARMONY = (
    "<|channel|>analysis<|message|>User greets.<|end|><|start|>assistant<|channel|>final<|message|>Hello!<|return|>"
)


@pytest.mark.parametrize(
    ("style", "text", "expected"),
    [
        ("opened", "Okay, the user asks 1+1. So it is 2.</think>\n\nIt is two.", "It is two."),
        ("opened", "a thought that never ended", ""),
        ("opened", "one</think>Yes.<think>two</think> No.", "Yes.No."),
        ("auto", "Hm.</think>\n\nYes.", "Hm.\n\nYes."),
        ("auto", "<THINK>hm</Think>Yes.", "Yes."),
        ("auto", "[THINK]hm[/THINK]Yes.", "Yes."),
        ("auto", "<seed:think>hm</seed:think>Yes.", "Yes."),
        ("auto", "<|channel>thought\nhm<channel|>Yes.<turn|>", "Yes."),
        ("auto", "<|START_THINKING|>hm<|END_THINKING|><|START_RESPONSE|>Yes.<|END_RESPONSE|>", "Yes."),
        ("<plan> </plan>", "<plan>hm</plan>Yes.<think>more</think>", "Yes."),
        ("none", "<think>hm</think>Yes.", "<think>hm</think>Yes."),
        ("none", "Yes.<tool_call>{}</tool_call>", "Yes."),
        *((style, HARMONY, "Hello!") for style in ("auto", "none", "harmony")),
        ("harmony", "analysisUser greets. I should.assistantfinalHello!", "Hello!"),
        ("harmony", "analysisHm.assistantcommentary to=functions.f json{}assistantfinalHello!", "Hello!"),
        ("harmony", "finalHello!", "Hello!"),
        ("harmony", "Hello!", "Hello!"),  # the server has read the channels itself
        ("harmony", "<|channel|>final <|constrain|>json<|message|>Hello!<|end|>", "Hello!"),
        ("harmony", "<|start|>assistant<|message|>Hello!<|end|><|start|>user<|message|>No.", "Hello!"),
        ("auto", "<|channel|>commentary to=functions.f<|constrain|>json<|message|>{}<|call|>", ""),
        ("auto", "Well.<|channel|>analysis<|message|>hm", "Well."),
        ("auto", '<tool_call>\n{"name": "get_time", "arguments": {}}\n</tool_call>', ""),
        ("auto", "One moment.<tool_call>{}</tool_call> Done.", "One moment.Done."),
        ("auto", '<|python_tag|>{"name": "f"}<|eom_id|>', ""),
        ("auto", 'Yes.[TOOL_CALLS][{"name": "f"}]', "Yes."),
        ("auto", '<TOOLCALL>[{"name": "f"}]</TOOLCALL>Yes.', "Yes."),
        ("auto", "<function=f>{}</function>Yes.", "Yes."),
        ("auto", "```tool_code\nprint(f())\n```\nYes.", "Yes."),
        ("auto", "```python\nprint(1)\n```", "```python\nprint(1)\n```"),
        ("auto", "<｜tool▁calls▁begin｜>f<｜tool▁calls▁end｜>Yes.<｜end▁of▁sentence｜>", "Yes."),
        ("auto", "Yes.<|eot_id|><|start_header_id|>user", "Yes."),
        ("auto", "Yes<|reserved_5|>.", "Yes."),
        ("auto", "<|im_start|>Yes.<|im_start|>user\nNo.", "Yes."),
        ("auto", "<think>hm</think><|user|>Yes.<|user|>No.", "Yes."),
        ("auto", "[/INST] Yes. [INST] No.", "Yes. "),
        ("auto", "<|begin_of_thought|>hm<|end_of_thought|><|begin_of_solution|>Yes.<|end_of_solution|>", "Yes."),
        ("auto", "3 <| 4 and <|b", "3 <| 4 and <|b"),
    ],
)
def test_thoughts_in_every_dress(style: str, text: str, expected: str) -> None:
    for pieces in ([text], list(text), [text[at : at + 5] for at in range(0, len(text), 5)]):
        filter_ = SpokenText((), style=style)
        assert "".join([filter_.feed(piece) for piece in pieces]) + filter_.flush() == expected


def test_a_thought_that_nobody_opened_is_noticed() -> None:
    filter_ = SpokenText()
    filter_.feed("Okay.</think>Yes.")
    assert filter_.opened
    with pytest.raises(ValueError, match="opening and a closing tag"):
        SpokenText(style="<think>")


@pytest.mark.parametrize(
    ("text", "expected", "opened"),
    [
        ("Okay, so 1 < 2.\n</think>\n\nYes.", "Yes.", True),
        ("Okay.[/THINK]Yes.</think>", "Yes.", True),
        ("<think>hm</think>Yes.", "Yes.", False),
        ("<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>Yes.", "Yes.", False),
        (" Yes, <b>.", "Yes, <b>.", None),
        ("Yes.<|im_end|>No.", "Yes.", None),
    ],
)
def test_in_doubt_an_answer_waits_for_what_shows_how_it_began(text: str, expected: str, opened: bool | None) -> None:
    for pieces in ([text], list(text), [text[at : at + 5] for at in range(0, len(text), 5)]):
        filter_ = SpokenText((), doubt=True)
        assert "".join([filter_.feed(piece) for piece in pieces]) + filter_.flush() == expected
        assert filter_.opened is opened


def test_without_doubt_what_was_held_back_comes_out() -> None:
    filter_ = SpokenText(doubt=True)
    assert filter_.feed("Yes, ") + filter_.feed("I ") == ""
    filter_.doubt = False
    assert filter_.feed("am.") == "Yes, I am."
    assert filter_.feed(" So") == " So"


@given(pieces=PIECES, data=st.data())
def test_in_doubt_any_chunking_gives_the_same_text(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))

    def said(chunks: list[str]) -> tuple[str, bool | None]:
        filter_ = SpokenText(STOPS, doubt=True)
        return "".join([filter_.feed(chunk) for chunk in chunks]) + filter_.flush(), filter_.opened

    assert said([text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]) == said([text])


def test_the_style_goes_by_setting_and_template() -> None:
    harmony = ChatTemplate("{{ messages[0].content }}<|start|>assistant<|channel|><|message|><|end|><|return|>")
    assert (harmony.thoughts, BUILT_IN["chatml"].thoughts) == ("harmony", "auto")
    for settings, template, expected in (
        (TritonSettings(), harmony, "Hello!"),
        (TritonSettings(thoughts="none"), None, "analysisHm.assistantfinalHello!"),
        (TritonSettings(thoughts="opened"), None, ""),
    ):
        prompting = Prompting(settings, template)
        cleaner = prompting.cleaner(prompting.prompt([Message("user", "Hi")]), cumulative=False)
        assert cleaner.feed("analysisHm.assistantfinalHello!") + cleaner.flush() == expected
    with pytest.raises(ValueError, match="thoughts"):
        TritonSettings(thoughts="loud")


LEAKS = st.sampled_from([*THOUGHTS, *CALLS]).flatmap(
    lambda pair: st.text("secret <>/|`[\n", max_size=12).map(
        lambda inner: pair[0] + " secret " + inner.replace(pair[1][:2], "").replace("`", "") + pair[1]
    )
)
WORDS = st.sampled_from(["Hello ", "there", ". ", "3 < 4 ", "a|b ", "`x` ", "[1] ", "<b>", "assistant "])


@given(st.lists(st.one_of(WORDS, LEAKS), max_size=10), st.data())
def test_nothing_hidden_is_ever_spoken(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    chunks = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    said = spoken(chunks, stops=())
    assert "secret" not in said
    assert "".join(said.split()) == "".join("".join(part for part in parts if "secret" not in part).split())


PIECES_OF_HARMONY = [
    *("<|channel|>", "<|start|>", "<|message|>", "<|end|>", "<|return|>", "<|x|>", "<think>", "</think>"),
    *("final", "to=f "),
]


@given(st.lists(st.sampled_from([*PIECES_OF_HARMONY, "Hello ", "assistant", "analysis"]), max_size=14), st.data())
def test_any_chunking_of_harmony_gives_the_same_text(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    style = data.draw(st.sampled_from(["auto", "harmony", "opened", "none"]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))

    def said(chunks: list[str]) -> str:
        filter_ = SpokenText((), style=style)
        return "".join([filter_.feed(chunk) for chunk in chunks]) + filter_.flush()

    whole = said([text])
    assert said([text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]) == whole
    assert said(list(text)) == whole
    assert "<|" not in whole
