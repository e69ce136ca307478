from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest

from pipelines.embedded.speech import __main__ as speech
from pipelines.embedded.speech.ears import corpus, language_model, profanity
from pipelines.embedded.speech.ears.language_model import DomainModel, GeneralModel
from pipelines.embedded.speech.prepare import build_language_model, install_libraries, language_model_path


def tiny() -> GeneralModel:
    """Five words; "<s> a b" is the only trigram, "<s> a" and "a b" the bigrams."""
    log = np.log10
    return GeneralModel(
        words=["<s>", "</s>", "a", "b", "rude"],
        p1=np.array([-99.0, *log([0.3, 0.3, 0.3, 0.1])]),
        backoff1=np.array([log((1 - 0.6) / (1 - 0.3)), 0.0, log((1 - 0.5) / (1 - 0.3)), 0.0, 0.0]),
        older2=np.array([0, 2]),
        word2=np.array([2, 3]),
        p2=log([0.6, 0.5]),
        backoff2=np.array([log((1 - 0.7) / (1 - 0.5)), 0.0]),
        older3=np.array([0]),
        middle3=np.array([2]),
        word3=np.array([3]),
        p3=log([0.7]),
    )


class Arpa:
    """An ARPA file's n-grams with the usual back-off rule."""

    def __init__(self, text: str) -> None:
        self.p: dict[tuple[str, ...], float] = {}
        self.backoff: dict[tuple[str, ...], float] = {}
        self.counts = [int(c) for c in re.findall(r"^ngram \d=(\d+)$", text, re.M)]
        for line in text.splitlines():
            if len(parts := line.split("\t")) >= 2:
                gram = tuple(parts[1].split())
                self.p[gram] = 10 ** float(parts[0])
                self.backoff[gram] = 10 ** float(parts[2]) if len(parts) == 3 else 1.0
        self.words = sorted(g[0] for g in self.p if len(g) == 1)

    def prob(self, *gram: str) -> float:
        if gram in self.p:
            return self.p[gram]
        return self.backoff.get(gram[:-1], 1.0) * self.prob(*gram[1:])


def mixed(sentences: list[str], banned: frozenset[str] = frozenset()) -> Arpa:
    out = io.StringIO()
    domain = DomainModel(sentences)
    language_model._write_arpa(out, tiny(), domain, banned=banned, weight=0.5, unigram_weight=0.1)
    return Arpa(out.getvalue())


def test_every_history_still_sums_to_one() -> None:
    model = mixed(["a b a", "b c", "a c b"])
    for history in [("a",), ("b",), ("c",), ("<s>",), ("<s>", "a"), ("a", "b"), ("a", "c"), ("b", "a")]:
        assert sum(model.prob(*history, w) for w in model.words if w != "<s>") == pytest.approx(1, abs=0.01), history


def test_the_corpus_gains_and_the_rest_stays_possible() -> None:
    model = mixed(["b b a"] * 4)
    assert model.prob("b", "b") > 0.2
    assert model.prob("<s>", "a", "b") == pytest.approx(0.7, abs=0.001)  # a history the corpus does not know
    assert 0 < model.prob("b", "</s>") < 0.3


def test_new_words_come_in_and_banned_ones_go() -> None:
    model = mixed(["a nova b"], frozenset({"rude"}))
    assert "nova" in model.words
    assert model.prob("a", "nova") > 0.1
    assert "rude" not in {word for gram in model.p for word in gram}
    lengths = [sum(len(gram) == n for gram in model.p) for n in (1, 2, 3)]
    assert model.counts == lengths, "the header tells the numbers of n-grams"


def test_domain_model_is_a_distribution() -> None:
    domain = DomainModel(corpus.sentences())
    words = list(domain.c1)
    assert sum(map(domain.p1, words)) == pytest.approx(1)
    assert sum(domain.p2("what", w) for w in words) == pytest.approx(1)
    assert sum(domain.p3("what", "is", w) for w in words) == pytest.approx(1)


def test_the_stock_model_is_read_as_pocketsphinx_reads_it() -> None:
    pocketsphinx = pytest.importorskip("pocketsphinx")
    path = pocketsphinx.get_model_path("en-us/en-us.lm.bin")
    model = language_model.read(Path(path))
    decoder = pocketsphinx.Decoder(lm=None, loglevel="FATAL")
    theirs = pocketsphinx.NGramModel(pocketsphinx.Config(lm=None), decoder.logmath, path)
    rng = np.random.default_rng(1)
    for i in rng.integers(0, len(model.p3), 50):
        words = [model.words[model.word3[i]], model.words[model.middle3[i]], model.words[model.older3[i]]]
        assert decoder.logmath.log_to_log10(theirs.prob(words)) == pytest.approx(float(model.p3[i]), abs=0.01), words


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.lm.bin").write_bytes(b"Trie Language Model\x02" + bytes(100))
    with pytest.raises(ValueError, match="trigram"):
        language_model.read(tmp_path / "x.lm.bin")


def test_the_corpus_is_in_spoken_form() -> None:
    sentences = corpus.sentences()
    assert len(sentences) > 1000
    assert sentences == corpus.sentences()
    assert all(re.fullmatch(r"[a-z' ]+", s) for s in sentences), "lower case, no digits, no marks"
    assert not {w for s in sentences for w in s.split()} & profanity.WORDS


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "zero"), (13, "thirteen"), (40, "forty"), (99, "ninety nine"), (305, "three hundred five")],
)
def test_numbers_are_spelt(number: int, words: str) -> None:
    assert corpus.spell(number) == words


def test_a_prepared_model_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = language_model_path(tmp_path)
    target.parent.mkdir(parents=True)
    target.write_bytes(b"whole")
    monkeypatch.setattr("subprocess.Popen", _forbidden)
    said: list[str] = []
    build_language_model(tmp_path, said.append)
    assert said == []


def test_a_failed_build_is_one_line_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(RuntimeError, match="could not be built: code 1"):
        build_language_model(tmp_path, lambda _: None)
    assert list((tmp_path / "speech").iterdir()) == []


def test_another_corpus_is_another_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = language_model_path(tmp_path)
    monkeypatch.setattr(corpus, "sentences", lambda: ["hello"])
    assert language_model_path(tmp_path) != before


def test_a_missing_recogniser_is_one_line_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("pipelines.embedded.speech.prepare.version", missing)
    with pytest.raises(RuntimeError, match=r"pocketsphinx, is not installed .* -m pip install pocketsphinx"):
        build_language_model(tmp_path, lambda _: None)
    monkeypatch.setattr("sys.argv", ["speech", "--tls", str(tmp_path), "--home", str(tmp_path)])
    with pytest.raises(SystemExit):
        speech.main()
    (line,) = capsys.readouterr().out.splitlines()
    assert "pip install pocketsphinx" in json.loads(line)["failed"]


def test_libraries_are_only_named_where_we_may_not_install(monkeypatch: pytest.MonkeyPatch) -> None:
    module = "pipelines.embedded.speech.prepare"
    monkeypatch.setattr(f"{module}._loadable", lambda _: False)
    monkeypatch.setattr(f"{module}._root_prefix", lambda: None)
    monkeypatch.setattr(f"{module}.shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr("subprocess.run", _forbidden)
    said: list[str] = []
    install_libraries(said.append, {"libflite.so.1": "libflite1", "libportaudio.so.2": "libportaudio2"})
    assert len(said) == 1
    assert "sudo apt-get install -y --no-install-recommends libflite1 libportaudio2" in said[0]


def test_package_lists_are_fetched_when_the_first_try_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    module, runs = "pipelines.embedded.speech.prepare", []

    class Done:
        def __init__(self, code: int) -> None:
            self.returncode = code

    def run(command: list[str], **_: object) -> Done:
        runs.append(command[:3])
        return Done(100 if len(runs) == 1 else 0)

    monkeypatch.setattr(f"{module}._loadable", lambda name: "portaudio" not in name)
    monkeypatch.setattr(f"{module}._root_prefix", lambda: ["sudo", "-n"])
    monkeypatch.setattr(f"{module}.shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr("subprocess.run", run)
    said: list[str] = []
    install_libraries(said.append, {"libportaudio.so.2": "libportaudio2", "libc.so.6": "libc6"})
    assert runs == [["sudo", "-n", "apt-get"]] * 3
    assert said == ["installing libportaudio2 with apt"]


_forbidden: Callable[..., object] = pytest.fail
