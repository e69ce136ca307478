"""The report is one page of the same bytes each time, that needs nothing and obeys nothing but itself."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from report_samples import HOSTILE, sample_run

from pipelines import page
from pipelines.page import PageError
from pipelines.replay.compare import compare
from pipelines.replay.report import html, write_report
from pipelines.replay.report.figures import page_data

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
TAME = '"use strict";window.Plotly={react(id,traces){document.getElementById(id).dataset.traces=traces.length}};'
"""In plotly's place where a test is not about plotly: it says how many traces it was given."""


class Page(HTMLParser):
    """What a browser would make of the page: the elements, and the text of each by its id."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.scripts, self.data, self.text, self._within = [], [], "", "", None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        self._within = (tag, attributes)
        if tag == "script" and attributes.get("type") is None:
            self.scripts.append("")

    def handle_endtag(self, tag):
        if tag in ("script", "style"):
            self._within = None

    def handle_data(self, data):
        tag, attributes = self._within or (None, {})
        if tag == "script" and attributes.get("type") == "application/json":
            self.data += data
        elif tag == "script":
            self.scripts[-1] += data
        elif tag != "style":
            self.text += data


@pytest.fixture
def tame(monkeypatch):
    monkeypatch.setattr(page, "plotly", lambda: TAME)


def policy(page):
    [content] = [a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    return dict(part.split(" ", 1) for part in content.split("; "))


def test_one_file_with_plotly_in_it(tmp_path):
    place = write_report(tmp_path / "deep" / "report", sample_run())
    assert place == tmp_path / "deep" / "report" / "index.html"
    assert [path.name for path in place.parent.iterdir()] == ["index.html"]
    page = Page(place.read_text("utf-8"))
    assert len(page.scripts) == 2
    assert "plotly.js v" in page.scripts[0][:200]
    assert place.stat().st_size < 6e6


def test_the_same_runs_give_the_same_bytes(tame):
    def made():
        run, base = sample_run(rounds=4, seed=1), sample_run(rounds=4, seed=2)
        return html.rendered(run, base, compare(base, run))

    assert made() == made()
    assert made() != html.rendered(sample_run(rounds=4, seed=1))


def test_another_process_gives_the_same_bytes(tame, tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from report_samples import sample_run;"
        "from pipelines import page; page.plotly = lambda: sys.argv[2]; from pipelines.replay.report import html;"
        "sys.stdout.buffer.write(html.rendered(sample_run(rounds=2, hostile=True, missed=0.3)).encode())"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent), TAME]
    found = subprocess.run(command, capture_output=True, check=True, timeout=50)
    assert found.stdout.decode() == html.rendered(sample_run(rounds=2, hostile=True, missed=0.3))


def test_nothing_can_be_loaded_and_only_these_scripts_run(tame):
    page = Page(html.rendered(sample_run()))
    allowed = policy(page)
    assert allowed["default-src"] == "'none'"
    assert "connect-src" not in allowed  # so that it falls back to none
    hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in page.scripts}
    assert set(allowed["script-src"].split()) == hashes
    for tag, attributes in page.elements:
        assert not {"src", "action", "srcset", "poster", "style-src"} & attributes.keys(), tag
        assert attributes.get("href", "data:,") == "data:,"
        assert not [name for name in attributes if name.startswith("on")], tag


def test_hostile_text_stays_text(tame):
    run = sample_run(rounds=2, hostile=True, missed=0.3)
    run = run.model_copy(
        update={
            "scenario": HOSTILE,
            "simulated": HOSTILE,
            "config": {HOSTILE: {"a": HOSTILE}},
            "environment": {HOSTILE: HOSTILE},
            "counters": tuple(counter.model_copy(update={"name": HOSTILE}) for counter in run.counters),
        }
    )
    text = html.rendered(run)
    page, tamer = Page(text), Page(html.rendered(sample_run(rounds=2, missed=0.3)))
    assert {tag for tag, _ in page.elements} == {tag for tag, _ in tamer.elements}
    assert len(page.scripts) == 2
    assert "<b>bold" not in text
    assert "</script><img" not in text
    data = json.loads(page.data)
    shown = HOSTILE.replace("\u202e", "")
    assert data["turns"][0]["transcript"] == shown
    assert shown in data["turns"][0]["title"]
    assert data["counters"][0]["name"] == shown
    assert page.text.count(shown) > 5
    assert "\u202e" not in page.text


@pytest.mark.parametrize("text", ["</script>", "<!--<script>", "]]>", "&lt;", "\u2028", '"\\'])
def test_embedded_json_ends_no_element(text):
    written = page.embedded({"text": text})
    assert not re.search("[<>&]", written)
    assert json.loads(written) == {"text": text}


@pytest.mark.parametrize("rounds", [0, 1, 12])
@pytest.mark.parametrize("missed", [0.0, 1.0])
def test_every_id_that_the_scripts_use_is_in_the_page(tame, rounds, missed):
    """The scripts guard by the data what the template guards by a variable: the two must agree."""
    page = Page(html.rendered(sample_run(rounds=rounds, missed=missed)))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    answered = rounds and not missed
    assert ("distribution" in ids) == ("stages" in ids) == ("spectrum" in ids) == bool(answered)
    assert ("waterfall" in ids) == ("turn-list" in ids) == bool(rounds)
    if answered:
        assert {*re.findall(r'(?:element|plot|choice)\("([\w-]+)"', page.scripts[1])} <= {*ids}


def test_without_plotly_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    with pytest.raises(PageError, match=r"pip install -e '\.\[replay\]'"):
        write_report(tmp_path / "report", sample_run())
    assert not (tmp_path / "report").exists()


def test_a_folder_that_cannot_be_is_told(tame, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PageError, match="cannot write the report"):
        write_report(tmp_path / "file", sample_run())


def test_a_thousand_turns_stay_small():
    assert len(page.embedded(page_data(sample_run(rounds=100, lines=10))).encode()) < 3e6


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize("run", [sample_run(rounds=9, hostile=True, missed=0.2), sample_run(missed=1.0)])
def test_a_browser_draws_every_plot(tame, tmp_path, run):
    place = write_report(tmp_path, run, sample_run(rounds=9, seed=3))
    flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    command = [CHROMIUM, *flags.split(), f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", place.as_uri()]
    found = subprocess.run(command, capture_output=True, check=True, timeout=50, text=True)
    page = Page(found.stdout)
    drawn = {a["id"]: int(a["data-traces"]) for _, a in page.elements if "data-traces" in a}
    plots = {a["id"] for _, a in page.elements if a.get("class") == "plot"} | {"counter-0", "counter-1", "counter-2"}
    assert drawn.keys() == plots
    assert all(drawn.values())
    assert "img" not in {tag for tag, _ in page.elements}
    assert "evil.example" in found.stdout or run.turns[0].transcript in page.text
