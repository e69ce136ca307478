"""What is said of what was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia.spoken import spoken


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Plain words, as they are.", "Plain words, as they are."),
        ("**Hello** _world_!", "Hello world!"),
        ("**Note:** that's *it*.", "Note: that's it."),
        ("# Title\n\nText", "Title, Text"),
        ("- one\n- two", "one, two"),
        ("- [x] done", "done"),
        ("> quoted\n> again", "quoted, again"),
        ("1. Apples", "1. Apples"),
        ("`code_name` here", "code name here"),
        ("```python\nx = 1\n```", "Code example."),
        ("```never closed", "Code example."),
        ('See [the docs](https://a.example/b "title") now.', "See the docs now."),
        ("![a lighthouse](x.png)", "a lighthouse"),
        ("Go to https://www.example.com/a,b?c=d.", "Go to example dot com."),
        ("Go to <https://example.com:8080/>!", "Go to example dot com!"),
        ("Write to info.x@example.com.", "Write to info dot x at example dot com."),
        ("17 * 23 is 391", "17 times 23 is 391"),
        ("2×3×4 ÷ 6", "2 times 3 times 4 divided by 6"),
        ("😀 Hi 👋🏽!", "Hi!"),
        ("1\ufe0f\u20e3 first 🇩🇪 → next", "1 first next"),
        ("<speak>Hi</speak> &lt;b&gt;& you", "Hi and you"),
        ("{x} ~~z~~", "x z"),
        ("| a | b |\n|---|---|\n| c | d |", "a, b, c, d,"),
        ("It is -5 °C, or 23 °F.", "It is -5 °C, or 23 °F."),
        ("-5 degrees", "-5 degrees"),
        ("What?!  Yes !!!", "What?! Yes!"),
        ("wait....... what…", "wait... what..."),
        ('," he said', "he said"),
        ("C# and AT&T cost $5", "C# and AT&T cost $5"),
        ("zero\u200bwidth\x00", "zerowidth"),
    ],
)
def test_english(written, said):
    assert spoken(written) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Am 3. Mai sind 2 × 3 Äpfel da.", "Am 3. Mai sind 2 mal 3 Äpfel da."),
        ("Siehe www.example.de, bitte.", "Siehe example Punkt de, bitte."),
        ("```x```", "Codebeispiel."),
    ],
)
def test_german(written, said):
    assert spoken(written, "de-DE") == said


@pytest.mark.parametrize("written", ["", "   ", "...", "---", "**", "🙂🙂", "<br/>", "|---|---|", "{}", "!?", "\n\n"])
def test_nothing_to_say(written):
    assert spoken(written) == ""


markup = st.lists(
    st.sampled_from([*"*_`~#>|-[](){}<>!:/.@&;\n \t", "word", "```", "http://", "www.", "1.", "😀", "&lt;", "&#123;"]),
    max_size=60,
).map("".join)


@given(st.one_of(markup, st.text()))
def test_nothing_reserved_ever_comes_out(written):
    said = spoken(written)
    assert not set(said) & set("*{}<>`\n\t")
    assert said == " ".join(said.split())
    assert said == "" or any(character.isalnum() for character in said)


@pytest.mark.parametrize(
    "unit",
    [
        "[",
        "<",
        "|",
        "* ",
        "a@",
        "- ",
        "```",
        "www.",
        "_",
        "!",
        " ",
        "\n",
        "a\n",
        "[](",
        "a.",
        "[![",
        "[[1]](",
        "\n[a]: h",
        "<A>",
    ],
)
def test_hostile_input_takes_linear_time(unit):
    """With a pattern of quadratic cost, one of these runs into the suite's time limit."""
    spoken(unit * 30_000)
