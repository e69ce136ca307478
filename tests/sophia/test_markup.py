"""Markup is taken out of a stream before anything is cut."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia.clauses import LONGEST_FENCE, LONGEST_TOKEN, ClauseSplitter
from sophia.markup import LONGEST_ADDRESS, LONGEST_BLOCK, LONGEST_TAG, Plain, plain
from sophia.spoken import spoken


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ('Sure! <speak><prosody rate="slow" contour="(0%,+20Hz) (9%,+9Hz)">Hello.</prosody></speak>', "Sure! Hello."),
        ('<a href="https://e.com" title="a > b" rel=\'x y\'>the page</a> has it', "the page has it"),
        ("One<br/>two<p>three</p>", "One\ntwo\nthree\n"),
        ('Wait <break time="500ms"/> here', "Wait   here"),
        ("un<b>believ</b>able", "unbelievable"),
        ("5<b>6</b>7", "5 6 7"),
        ("10<sup>6</sup> and H<sub>2</sub>O, the 5<sup>th</sup>, 1998<sup>[2]</sup>", "10^6 and H2O, the 5th, 1998"),
        ("<!-- a. b --> x <script>if (a<1) b()</script> y", " x  y"),
        ("3<5 and 7>4, a <b and c> d, <5 ms, <3", "3<5 and 7>4, a <b and c> d, <5 ms, <3"),
        ("See [the docs](https://a.b/c_(d) 'title') now", "See the docs now"),
        ("![a cat](x.png) and [![alt](x.png)](https://y.z)", "a cat and alt"),
        ("[text][ref] and x[0]", "text and x[0]"),
        ("1998[2]. So[3, 4] it is[^1][5]. A list [1, 2].", "1998. So it is. A list [1, 2]."),
        ("It is so【4†source】.", "It is so."),
        ("&lt;5 &amp; AT&T &#49; &unknown;", "<5 & AT&T 1 &unknown;"),
        ("~~~py\na ``` b\n~~~\nx", "```py\na ''' b\n```\nx"),
        ("use `<div>` or `x[0](y)`", "use `<div>` or `x[0](y)`"),
        ("a ` b <b>c</b>", "a ` b c"),
        ("Really! Yes !", "Really! Yes !"),
        ("<a href='https://never.closed/ an", ""),
        ("[docs](https://never.closed/an", "docs"),
        (
            "The matrix[i][j], arr[5], user_ids[3], myList[2], items[0]",
            "The matrix[i][j], arr[5], user_ids[3], myList[2], items[0]",
        ),
        ("In 1998[2](https://a.b/c), in 2001 [[3]](https://a.b).", "In 1998, in 2001 ."),
        ("[5](https://a.b) of [![a badge](x.png)](https://a.b), [TODO]: it", "5 of a badge, [TODO]: it"),
        ("So.\n\n[1]: http://x.y 'T'\n[the docs]: <https://x.y>\n[^1]: A note.", "So.\n\nA note."),
        ("[Note]: [x] is it.\n[1] Smith.", "[Note]: [x] is it.\n[1] Smith."),
        (
            "Press <Enter>, set <API_KEY>, List<String>, Vec<int>, <stdio.h>",
            "Press <Enter>, set <API_KEY>, List<String>, Vec<int>, <stdio.h>",
        ),
        ("<answer>Yes, <SPAN>it</SPAN> is.</answer>", "Yes, it is."),
    ],
)
def test_what_is_left(written, left):
    assert plain(written) == left


@pytest.mark.parametrize(
    "written",
    [
        'Sure! <speak><prosody rate="slow" pitch="low" volume="soft" contour="(0%,+20Hz) (10%,+30Hz)">Hello there my '
        "friend</prosody></speak>",
        "See [the very long and detailed official documentation of the Riva speech server version two]"
        "(https://docs.nvidia.com/deeplearning/riva/user-guide) for more.",
        '<a href="https://example.com/some/very/long/path" target="_blank" rel="noopener noreferrer" title="Go there '
        'now. Please, and soon!">the page</a> has it.',
        '<img src="data:image/png;base64,' + "iVBOR/w0K=" * 900 + '" alt="a cat. It sleeps">Nice.',
        "Look:\n~~~html\n<p>One. Two! Three?</p>\n~~~\n",
        "Go to https://docs.nvidia.com/" + "deep/learning?riva=user&" * 60 + " now.",
        "Hi. <!-- a comment. With sentences! And, of course, commas, which go on and on. --> Bye.",
        "```python\n" + "print('Hello. World! And more, of course')\n" * 700 + "```\nThat is all.",
    ],
)
def test_markup_is_never_cut_in_two(written):
    for size in (len(written), 1, 7):
        said = " ".join(spoken(clause) for clause in feed(written, size))
        assert not re.search("rate|pitch|contour|Hz|href|https|target|blank|noopener|base64|iVBOR|Two|learning", said)
        assert not re.search("sentences|print|World|Please", said)


def feed(text, size, language="en-US"):
    splitter = ClauseSplitter(language)
    clauses = [clause for at in range(0, len(text), size) for clause in splitter.feed(text[at : at + size])]
    return clauses + splitter.flush()


LETTERS = "abcäßéжλ नमस्ते你好สวัสดี 0123456789.,;:?()\"'*_-–—…%$€#@+=^{}|>\n"


@given(st.lists(st.text(LETTERS, max_size=12)))
def test_plain_text_is_not_held_back(deltas):
    taken = Plain()
    assert [taken.feed(delta) for delta in deltas] == deltas
    assert taken.flush() == ""


PIECES = [
    *"<>[]()&;`~!/\\【】 \n.,:=\"'5a", "<b>", "</b>", '<a href="', "<sup>", "</sup>", "<!--", "-->", "<script>",
    "</script>", "](", "[1]", "[^2]", "```", "~~~", "&lt;", "&#4", "https://", "![", "word", " and ", "你好。",
    "<br", "/>", "†", "[[2]](", "]: ", "\n[x]: http", "[a](", "[^1]: ", "![x](y)](", "<Enter>", "List<", "arr[5]",
]  # fmt: skip
markup = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@given(st.one_of(markup, st.text(max_size=100)), st.lists(st.integers(1, 9)))
def test_deltas_do_not_matter(text, sizes):
    taken, out, rest = Plain(), "", text
    for size in sizes:
        out += taken.feed(rest[:size])
        rest = rest[size:]
    out += taken.feed(rest) + taken.flush()
    assert out == plain(text)
    assert "".join(map(taken.feed, text)) + taken.flush() == out


@given(
    st.one_of(markup, st.text(max_size=200), st.text("一二三。，「」“”สวัสดี कखि।؟abc 12.,()", max_size=400)),
    st.lists(st.integers(1, 30)),
    st.sampled_from(["en-US", "de-DE", "zh-CN", "ja-JP", "th-TH", "hi-IN", "el-GR"]),
)
def test_clauses_are_the_text_without_its_markup(text, sizes, language):
    splitter, clauses, rest = ClauseSplitter(language), [], text
    for size in sizes:
        clauses += splitter.feed(rest[:size])
        rest = rest[size:]
    clauses += splitter.feed(rest) + splitter.flush()
    assert clauses == feed(text, max(1, len(text)), language)
    assert re.sub(r"\s", "", "".join(clauses)) == re.sub(r"\s", "", plain(text))
    for clause in clauses:
        assert len(clause) <= (LONGEST_FENCE if "```" in clause else LONGEST_TOKEN + 1)


def test_what_is_held_back_is_bounded():
    for opening in ('<a title="', "[docs](x", "<!--", "<script>"):
        taken = Plain()
        for _ in range(200):
            taken.feed(opening if taken._written == "\n" and not taken._held and not taken._closing else "x y" * 100)
            assert len(taken._held) <= LONGEST_TAG + 300
    assert len(plain("```" + "code " * 10_000 + "``` after")) <= LONGEST_BLOCK + 20
    assert plain("```" + "code " * 10_000 + "``` after").endswith("``` after")
    assert len(plain("https://a.b/" + "x" * 5000 + " after")) <= LONGEST_ADDRESS + 20


@pytest.mark.parametrize(
    "unit",
    [
        "[",
        "<",
        "`",
        "~",
        "\n~~~",
        '<a b="',
        "<a ",
        "<a b=1 ",
        "](",
        "][",
        "](((",
        "&a",
        "[1",
        "【",
        "`a",
        "<sup>",
        "<!",
        "://",
    ],
)
def test_hostile_input_takes_linear_time(unit):
    """With a pattern of quadratic cost, one of these runs into the suite's time limit."""
    plain(unit * 30_000)
