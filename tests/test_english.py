"""Sentences of the pages are short: at most 25 words, outside code, tables and the addresses of links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIMIT = 25
PAGES = ("README.md", "docs/architecture.md", "docs/configuration.md", "docs/embedding.md")

BLOCK = re.compile(r"^( *)(```|~~~).*?^ *\2 *$", re.DOTALL | re.MULTILINE)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
LINK = re.compile(r"!?\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\([^()\s]*\)")
CODE = re.compile(r"(`+)(.+?)\1", re.DOTALL)
LEADER = re.compile(r"^\s*(?:[-*+]|\d+[.)]|>|#+)\s+")
END = re.compile(r"[.!?…]+[\"”’)\]*_]*(?=\s|$)")
SHORTENED = re.compile(
    r"(?:^|[\s(\[“\"])(?:e\.g|i\.e|[ap]\.m|etc|vs|cf|approx|No|Fig|Mr|Mrs|Dr|St|Nov|Dec|[A-Z]|\d{1,2})\.$"
)
"""What ends with a full stop and ends no sentence unless a capital follows: abbreviations, initials, ordinals."""


def paragraphs(page: str) -> Iterator[tuple[int, str]]:
    """Line number and text of each paragraph, heading and item; code blocks, comments and tables are left out."""
    for pattern in (BLOCK, COMMENT):
        page = pattern.sub(lambda found: "\n" * found[0].count("\n"), page)
    begun, lines = 0, list[str]()
    for number, line in enumerate([*page.splitlines(), ""], 1):
        apart = not line.strip() or line.lstrip().startswith("|") or (not lines and line.startswith("    "))
        if (apart or LEADER.match(line)) and lines:
            yield begun, " ".join(lines)
            lines = []
        if not apart:
            begun = begun if lines else number
            lines.append(LEADER.sub("", line).strip())
            if line.startswith("#"):
                yield begun, lines.pop()


def sentences(text: str) -> Iterator[str]:
    """The sentences of one paragraph; inline code counts as one word, a link as what it shows."""
    text = CODE.sub("code", LINK.sub(r"\1", CODE.sub(lambda code: code[0].replace(" ", "_"), text)))
    begin = 0
    for end in END.finditer(text):
        told = text[begin : end.end()]
        if end[0] == "." and SHORTENED.search(told) and not re.match(r"\s+[A-Z]", text[end.end() :]):
            continue
        yield told.strip()
        begin = end.end()
    if text[begin:].strip():
        yield text[begin:].strip()


def words(sentence: str) -> int:
    """How many words a sentence has; a dash or an arrow on its own is none."""
    return sum(1 for word in sentence.split() if re.search(r"\w", word))


def long_sentences(page: str) -> Iterator[str]:
    """``line: words: sentence`` of each sentence that is too long."""
    for line, text in paragraphs(page):
        for sentence in sentences(text):
            if (count := words(sentence)) > LIMIT:
                yield f"line {line}: {count} words: {sentence}"


@pytest.mark.parametrize("page", PAGES)
def test_sentences_are_short(page: str) -> None:
    found = list(long_sentences((ROOT / page).read_text()))
    assert not found, f"{page}: say it in sentences of at most {LIMIT} words:\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two!  Three?", 3),
        ("It takes 0.5 s, e.g. in `sophia/turns.py`. Then it ends.", 2),
        ("Ask [the doctor](docs/doctor.md). It knows.", 2),
        ("It runs on Python 3.11 and `a. b. c.` too.", 1),
        ("**It is bold.** So it is.", 2),
        ("The clause stays whole: nothing is cut; all of it counts as one.", 1),
        ("It arrives at 3 p.m. on Nov. 21", 1),
    ],
)
def test_what_is_a_sentence(text: str, expected: int) -> None:
    assert len(list(sentences(text))) == expected


def test_what_is_no_sentence() -> None:
    long = " ".join(["word"] * 40)
    assert not list(long_sentences(f"```\n{long}\n```\n\n| {long} |\n\n<!-- {long} -->\n\n    {long}\n\n`{long}`\n"))
    assert list(long_sentences(f"A heading\n\n- an item\n- {long}\n")) == [f"line 4: 40 words: {long}"]
