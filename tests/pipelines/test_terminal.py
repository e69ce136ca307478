"""What people see: the words, the bar that adds up, and a display that never holds anybody up."""

import io
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from pipelines.telemetry.ledger import CONTRIBUTIONS, Count, Ledger, Outcome
from pipelines.terminal.bar import in_words, latency_line, milliseconds, remarks
from pipelines.terminal.choose import open_display
from pipelines.terminal.display import SilentDisplay
from pipelines.terminal.plain import LineWriter, PlainDisplay
from pipelines.terminal.screen import RichDisplay, View
from pipelines.terminal.text import LONGEST, clean
from pipelines.terminal.wrapping import wrapped

MARKS = {
    "voice_end": 10.0,
    "captured": 10.02,
    "transcript": 10.26,
    "first_token": 10.30,
    "first_clause": 10.34,
    "first_audio": 10.42,
    "played": 10.44,
}


def settled(display):
    """Closes the display and waits, on a busy machine too, until everything is shown."""
    display.close()
    thread = display._thread if isinstance(display, RichDisplay) else display._lines._thread
    thread.join(30)
    assert not thread.is_alive()


def a_turn(**fields):
    ledger = Ledger(turn=1, user="hello", reply="Hi there, how are you?", heard="Hi there, how are you?", **fields)
    ledger.marks.update(MARKS)
    return ledger


def shown(renderable, width=80):
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    console.print(renderable)
    return console.file.getvalue()


class Stalled(io.StringIO):
    """A terminal whose reader has stopped: writing waits until released."""

    def __init__(self):
        super().__init__()
        self.reached, self.released = threading.Event(), threading.Event()

    def isatty(self):
        return True

    def write(self, text):
        self.reached.set()
        self.released.wait(30)
        return super().write(text)

    def writelines(self, lines):
        self.write("".join(lines))


@settings(deadline=None)
@given(st.lists(st.floats(0, 5), min_size=len(CONTRIBUTIONS), max_size=len(CONTRIBUTIONS)))
def test_milliseconds_add_up_to_the_total_that_is_shown(seconds):
    parts = dict(zip(CONTRIBUTIONS, seconds, strict=True))
    total = sum(seconds)
    assert sum(milliseconds(parts, total).values()) == round(total * 1000)


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 2), min_size=7, max_size=7),
    st.integers(min_value=24, max_value=200),
)
def test_the_bar_is_one_line_that_fits(waits, width):
    ledger = Ledger(turn=1)
    at = 10.0
    ledger.mark("voice_end", at)
    for name, wait in zip(list(MARKS)[1:], waits, strict=False):
        at += wait
        ledger.mark(name, at)
    line = latency_line(ledger, width)
    assert line.cell_len <= width
    assert "\n" not in line.plain


def test_the_bar_names_its_parts_and_puts_small_ones_together_where_it_is_narrow():
    assert latency_line(a_turn(), 120).plain.split("─")[-1] == (
        "  capture 20  asr 240  llm 40  clause 40  tts 80  playout 20"
    )
    narrow = latency_line(a_turn(), 60).plain
    assert "asr 240" in narrow
    assert "rest" in narrow
    assert "capture" not in narrow


def test_the_bars_length_is_the_wait():
    slow, quick = a_turn(), a_turn()
    slow.mark("played", 11.3, replace=True)
    assert latency_line(slow, 120).plain.count("━") == 24
    assert latency_line(quick, 120).plain.count("━") == round(24 * 0.44)


def test_the_latency_in_words():
    assert in_words(a_turn()) == ("440 ms = capture 20 + asr 240 + llm 40 + clause 40 + tts 80 + playout 20")
    early = Ledger(turn=1)
    early.marks.update({"voice_end": 2.0, "played": 1.8})
    assert in_words(early) == "began 200 ms before you had ended"
    assert in_words(Ledger(turn=1)) == ""


def test_what_is_out_of_the_ordinary_is_remarked():
    ledger = a_turn(outcome=Outcome.INTERRUPTED)
    ledger.marks.update({"barge_in": 12.0, "silenced": 12.18})
    ledger.count(Count.SPECULATIONS_DROPPED, 2)
    assert remarks(ledger) == "interrupted, gave way in 180 ms, unheard guesses: 2"
    assert remarks(a_turn(outcome=Outcome.REPLIED)) == ""


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("\x1b[2J\x1b]0;owned\x07hi", "[2J]0;ownedhi"),
        ("two\r\nlines\t here", "two lines here"),
        ("\u202egnirts", "gnirts"),
        ("\x9b31mred", "31mred"),
        ("Grüß Gott, 你好", "Grüß Gott, 你好"),
    ],
)
def test_text_from_outside_cannot_command_the_terminal(hostile, harmless):
    assert clean(hostile) == harmless


def test_text_from_outside_is_bounded():
    assert len(clean("x" * 10 * LONGEST)) == LONGEST + 1


def plain(*calls):
    stream = io.StringIO()
    display = PlainDisplay(stream)
    for call in calls:
        call(display)
    settled(display)
    return stream.getvalue().splitlines()


def test_plain_lines_of_a_conversation():
    lines = plain(
        lambda d: d.header("embedded.yaml", {"llm": "nova on Triton"}),
        lambda d: d.state("listening"),
        lambda d: d.partial("hel"),
        lambda d: d.final("hello"),
        lambda d: d.reply("Hi", 0),
        lambda d: d.levels(-20, -20),
        lambda d: d.turn(a_turn(outcome=Outcome.REPLIED)),
        lambda d: d.notice("no sound card"),
        lambda d: d.error("the voice does not answer", "try --check"),
    )
    assert lines == [
        "sophia with embedded.yaml",
        "  llm: nova on Triton",
        "you: hello",
        "sophia: Hi there, how are you?",
        "  turn 1: 440 ms = capture 20 + asr 240 + llm 40 + clause 40 + tts 80 + playout 20",
        "no sound card",
        "error: the voice does not answer",
        "  try --check",
    ]


def test_plain_tells_heard_from_unheard():
    ledger = a_turn(outcome=Outcome.INTERRUPTED)
    ledger.heard = "Hi there,"
    assert plain(lambda d: d.turn(ledger))[:2] == ["you: hello", "sophia: Hi there, … (of: Hi there, how are you?)"]
    ledger.heard = ""
    assert plain(lambda d: d.turn(ledger))[1] == "sophia (unheard): Hi there, how are you?"


def test_the_same_words_in_the_next_turn_are_shown_again():
    again = [lambda d: d.final("hello"), lambda d: d.turn(a_turn())]
    assert plain(*again, *again).count("you: hello") == 2


def test_a_stalled_reader_costs_the_oldest_lines_and_nobody_waits():
    stream = Stalled()
    lines = LineWriter(stream, most=3)
    lines.write("first")
    assert stream.reached.wait(30)
    for number in range(5):
        lines.write(str(number))
    lines.close(timeout=0.01)
    stream.released.set()
    lines.close(timeout=30)
    assert stream.getvalue().splitlines() == [
        "first",
        "(2 lines were not shown: nobody read them in time)",
        "2",
        "3",
        "4",
    ]


def test_a_reader_that_has_gone_is_no_failure():
    class Gone(io.StringIO):
        def writelines(self, lines):
            raise BrokenPipeError(32, "Broken pipe")

    display = PlainDisplay(Gone())
    display.notice("one")
    display.notice("two")
    settled(display)


def test_the_view_shows_what_is_certain_and_what_is_not():
    view = View(
        state="speaking", said="tell me", maybe="a story", heard="Once upon", coming="a time.", waits=(0.2, 0.3)
    )
    rows = shown(view.render(80, 24)).splitlines()
    assert rows[0].rstrip() == "you      tell me a story"
    assert rows[1].rstrip() == "sophia   Once upon a time."
    assert rows[3].startswith("● speaking")
    assert rows[3].endswith("2 turns, median 250 ms")


@settings(deadline=None)
@given(st.integers(12, 160), st.integers(6, 50), st.integers(0, 400))
def test_the_view_fits_and_keeps_what_is_being_said_in_sight(width, height, words):
    heard = " ".join(f"w{number}" for number in range(words))
    view = View(said="so " * 60, heard=heard, coming="then " * 100, user_level=100, waits=(0.2,))
    rows = shown(view.render(width, height), width).splitlines()
    assert len(rows) <= height
    assert max(map(len, rows)) <= width
    assert len(rows[-1].rstrip()) <= max(14, width - 3)  # room for an echoed ^C
    assert words == 0 or width < 20 or f"w{words - 1}" in " ".join(rows)


@pytest.mark.parametrize(("dbfs", "cells"), [(-120, 0), (-60, 0), (-30, 7), (0, 14)])
def test_meters_are_in_decibels(dbfs, cells):
    stream = io.StringIO()
    display = RichDisplay(Console(file=stream, width=100, height=30, force_terminal=True, color_system=None))
    display.levels(dbfs, -120)
    settled(display)
    line = shown(display._view.render(100, 30), 100)
    assert line.count("━") == cells


def test_the_screen_keeps_the_conversation_and_gives_the_terminal_back():
    stream = io.StringIO()
    display = RichDisplay(Console(file=stream, width=100, height=30, force_terminal=True, color_system=None))
    display.header("lab.yaml", {"llm": "nova"})
    display.partial("hel")
    display.final("hello")
    display.reply("Hi there, how are you?", 3)
    ledger = a_turn(outcome=Outcome.INTERRUPTED)
    ledger.heard = "Hi there,"
    display.turn(ledger)
    display.error("[bold]the voice[/bold] does not answer", "try --check")
    settled(display)
    text = stream.getvalue()
    assert "you      hello" in text
    assert "440 ms" in text
    assert "interrupted" in text
    assert "[bold]the voice[/bold] does not answer" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # the cursor is back


def test_a_finished_turn_does_not_take_the_next_ones_words_away():
    display = RichDisplay(Console(file=io.StringIO(), width=100, height=30, force_terminal=True))
    display.final("and now something else")
    display.turn(a_turn())
    assert display._view.said == "and now something else"
    display.final("hello")
    display.turn(a_turn())
    assert display._view.said == ""
    display.close()


def test_a_stalled_terminal_holds_nobody_up(monkeypatch):
    monkeypatch.setattr("pipelines.terminal.screen.CLOSE_SECONDS", 0.01)
    stream = Stalled()
    display = RichDisplay(Console(file=stream, width=100, height=30, force_terminal=True))
    assert stream.reached.wait(30)
    for number in range(1000):
        display.notice(str(number))
        display.levels(-number / 10, -20)
    display.close()
    assert not stream.released.is_set()
    stream.released.set()
    display._thread.join(30)


def test_a_stream_that_cannot_draw_gets_plain_lines_with_question_marks(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding="latin-1")
    stream.isatty = lambda: True
    display = open_display(stream=stream)
    assert isinstance(display, PlainDisplay)
    display.notice("schön, 你好")
    settled(display)
    assert written.getvalue() == "schön, ??\n".encode("latin-1")


def test_the_display_fits_the_stream(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    terminal = Stalled()
    terminal.released.set()
    chosen = [open_display(stream=terminal), open_display(stream=io.StringIO()), open_display(silent=True)]
    monkeypatch.setenv("TERM", "dumb")
    chosen.append(open_display(stream=terminal))
    assert [type(display) for display in chosen] == [RichDisplay, PlainDisplay, SilentDisplay, PlainDisplay]
    for display in chosen:
        display.close()


ARABIC, CHINESE = "أين طلبي؟ قل لي من فضلك.", "你好！我是索菲亚，很高兴认识你。今天天气很好。"


def test_what_is_written_from_right_to_left_stays_apart_from_the_rest_of_its_line():
    out = io.StringIO()
    display = PlainDisplay(out)
    display.final(ARABIC)
    display.final("schön")
    settled(display)
    assert out.getvalue() == f"you: \u2068{ARABIC}\u2069\nyou: schön\n"


def test_each_line_of_it_keeps_its_direction_to_itself():
    out = io.StringIO()
    view = View(said=ARABIC, heard="Hello. " + ARABIC)
    Console(file=out, width=28, force_terminal=True, color_system=None).print(view.render(28, 20))
    lines = [line.rstrip() for line in out.getvalue().splitlines() if "\u2068" in line]
    assert len(lines) > 2
    assert all(line.count("\u2068") == line.count("\u2069") == 1 and line.endswith("\u2069") for line in lines)
    words = "".join(line[9:] for line in lines).replace("\u2068", "").replace("\u2069", " ").split()
    assert words == [*ARABIC.split(), "Hello.", *ARABIC.split()]


def test_wide_characters_fold_within_the_width():
    out = io.StringIO()
    Console(file=out, width=30, force_terminal=True, color_system=None).print(View(heard=CHINESE).render(30, 20))
    lines = out.getvalue().splitlines()
    assert all(cell_len(line.rstrip()) <= 30 for line in lines)
    assert "".join(line[9:].strip() for line in lines[:-1]) == CHINESE
    assert not any(line[9:10] in list("。，！") for line in lines[:-1])


@given(st.text(st.sampled_from("ab é你好。、！タワーสวัดี์مح한, 「」1"), max_size=60), st.integers(2, 12))
def test_lines_of_any_script_fit_and_lose_nothing(text, width):
    lines = [line.plain for line in wrapped(Text(text), width)]
    assert all(cell_len(line) <= max(2, width) for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_no_space_stands_between_what_was_heard_and_what_comes_where_there_are_none():
    rendered = io.StringIO()
    Console(file=rendered, width=60).print(View(heard=CHINESE[:5], coming=CHINESE[5:]).render(60, 20))
    assert CHINESE in rendered.getvalue()


def test_joiners_stay_for_they_tell_how_letters_meet():
    assert clean("می\u200cخواهم") == "می\u200cخواهم"
    assert clean("a\u202eb\u2066c\u200fd") == "abcd"
