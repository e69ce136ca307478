"""Interpolates a small corpus into pocketsphinx's general trigram model and writes the result as ``.lm.bin``.

Only the histories that occur in the corpus are changed, each by as much as the corpus knows about it. So speech outside
the domain is recognised as well as before. The general model is read from its binary file directly. pocketsphinx 5.1
crashes when asked to write it out as text: its header counts six bigrams too many.

:func:`build` takes about 20 s of processor time and 1 GB of memory: run it in a process of its own.
"""

from __future__ import annotations

import math
import struct
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_MAGIC = b"Trie Language Model"
_QUANTISED = 65536
_LOG10_BASE = math.log10(1.0001)  # pocketsphinx stores log probabilities to this base
_FLOOR = 1e-30


@dataclass(frozen=True)
class GeneralModel:
    """A trigram model as parallel arrays; probabilities and back-offs are log10.

    Bigram ``i`` is "word ``older2[i]``, then ``word2[i]``"; trigram ``i`` is ``older3[i], middle3[i], word3[i]``.
    """

    words: list[str]
    p1: FloatArray
    backoff1: FloatArray
    older2: IntArray
    word2: IntArray
    p2: FloatArray
    backoff2: FloatArray
    older3: IntArray
    middle3: IntArray
    word3: IntArray
    p3: FloatArray


def read(path: Path) -> GeneralModel:
    """Reads a trigram ``.lm.bin``; raises ``ValueError`` when the file is something else."""
    blob = path.read_bytes()
    at = len(_MAGIC)
    if blob[:at] != _MAGIC or blob[at] != 3:
        raise ValueError(f"{path} is not a binary trigram model of pocketsphinx")
    n1, n2, n3 = struct.unpack_from("<3I", blob, at + 1)
    at += 1 + 12 + 4  # order, counts, quantiser kind
    tables = np.frombuffer(blob, "<f4", 3 * _QUANTISED, at).astype(float)
    p2_table, b2_table, p3_table = tables[:_QUANTISED], tables[_QUANTISED : 2 * _QUANTISED], tables[2 * _QUANTISED :]
    at += 4 * 3 * _QUANTISED
    unigram = np.dtype([("p", "<f4"), ("backoff", "<f4"), ("next", "<u4")])
    unigrams = np.frombuffer(blob, unigram, n1 + 1, at)
    at += unigram.itemsize * (n1 + 1)
    word_bits, next_bits = int(n1).bit_length(), int(n3).bit_length()
    bits2, bits3 = word_bits + 32 + next_bits, word_bits + 16  # 16 bits each for quantised probability and back-off
    size2, size3 = ((1 + n2) * bits2 + 7) // 8 + 8, ((1 + n3) * bits3 + 7) // 8 + 8
    packed2, packed3 = np.frombuffer(blob, np.uint8, size2, at), np.frombuffer(blob, np.uint8, size3, at + size2)
    at += size2 + size3
    (length,) = struct.unpack_from("<i", blob, at)
    words = [w.decode() for w in blob[at + 4 : at + 4 + length].split(b"\0")[:-1]]

    # The header's bigram count is too high; the unigrams' pointers are right.
    n2 = int(unigrams["next"][-1])
    at2 = np.arange(n2, dtype=np.int64) * bits2
    first3 = np.maximum.accumulate(_field(packed2, np.append(at2, n2 * bits2) + word_bits + 32, next_bits))
    older2 = _field(packed2, at2, word_bits)
    word2 = np.repeat(np.arange(n1), np.diff(unigrams["next"].astype(int)).astype(int))
    bigram3 = np.repeat(np.arange(n2), np.diff(first3))
    at3 = np.arange(len(bigram3), dtype=np.int64) * bits3
    return GeneralModel(
        words=words,
        p1=unigrams["p"][:-1].astype(float) * _LOG10_BASE,
        backoff1=unigrams["backoff"][:-1].astype(float) * _LOG10_BASE,
        older2=older2,
        word2=word2,
        p2=p2_table[_field(packed2, at2 + word_bits + 16, 16)] * _LOG10_BASE,
        backoff2=b2_table[_field(packed2, at2 + word_bits, 16)] * _LOG10_BASE,
        older3=_field(packed3, at3, word_bits),
        middle3=older2[bigram3],
        word3=word2[bigram3],
        p3=p3_table[_field(packed3, at3 + word_bits, 16)] * _LOG10_BASE,
    )


def _field(packed: NDArray[np.uint8], bit: IntArray, width: int) -> IntArray:
    """Little-endian bit fields of ``width`` bits that start at the given bit positions."""
    byte = bit >> 3
    value = np.zeros(len(bit), np.uint64)
    for i in range(5):
        value |= packed[byte + i].astype(np.uint64) << np.uint64(8 * i)
    masked: IntArray = ((value >> (bit & 7).astype(np.uint64)) & np.uint64((1 << width) - 1)).astype(np.int64)
    return masked


class DomainModel:
    """Witten-Bell smoothed trigram probabilities of a small corpus."""

    def __init__(self, sentences: Iterable[str]) -> None:
        self.c1: Counter[str] = Counter()
        self.c2: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.c3: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for sentence in sentences:
            words = ["<s>", *sentence.split(), "</s>"]
            self.c1.update(words[1:])
            for older, word in pairwise(words):
                self.c2[older][word] += 1
            for older, middle, word in zip(words, words[1:], words[2:], strict=False):
                self.c3[older, middle][word] += 1
        self._total = sum(self.c1.values())

    def p1(self, word: str) -> float:
        """P(word)."""
        return self.c1[word] / self._total

    def p2(self, older: str, word: str) -> float:
        """P(word | older)."""
        return self._smoothed(self.c2.get(older), word, self.p1(word))

    def p3(self, older: str, middle: str, word: str) -> float:
        """P(word | older middle)."""
        return self._smoothed(self.c3.get((older, middle)), word, self.p2(middle, word))

    @staticmethod
    def _smoothed(counts: Counter[str] | None, word: str, shorter: float) -> float:
        if not counts:
            return shorter
        kinds = len(counts)
        return (counts[word] + kinds * shorter) / (counts.total() + kinds)


def build(
    general: Path,
    sentences: Sequence[str],
    target: Path,
    *,
    banned: Collection[str] = (),
    weight: float = 0.5,
    unigram_weight: float = 0.1,
    report: Callable[[str], None] = lambda _: None,
) -> None:
    """Mixes ``sentences`` into the ``general`` model and writes ``target`` (``.lm.bin``), without ``banned`` words.

    A history that the corpus saw ``n`` times takes ``weight * n / (n + 1)`` of its distribution from the corpus;
    0.5 was the best of 0.3, 0.5 and 0.8 on sentences inside, beside and outside the domain.
    """
    from pocketsphinx import Config, Decoder, NGramModel  # noqa: PLC0415  # loads 0.1 s of C library

    report("reading the general language model")
    model = read(general)
    text = target.with_suffix(".arpa")
    try:
        report("mixing in what people say to an assistant")
        with text.open("w", encoding="utf-8") as file:
            _write_arpa(
                file,
                model,
                DomainModel(sentences),
                banned=frozenset(banned),
                weight=weight,
                unigram_weight=unigram_weight,
            )
        report("packing the language model")
        decoder = Decoder(lm=None, loglevel="FATAL")
        # The logarithm's base comes from the decoder: without it the packed probabilities are wrong.
        packed = NGramModel(Config(lm=None), decoder.logmath, str(text))
        packed.write(str(target), 2)  # 2: binary, the format that `read` above reads
    finally:
        text.unlink(missing_ok=True)


def _write_arpa(
    file: IO[str],
    general: GeneralModel,
    domain: DomainModel,
    *,
    banned: frozenset[str],
    weight: float,
    unigram_weight: float,
) -> None:
    words = list(general.words)
    index = {w: i for i, w in enumerate(words)}
    for word in domain.c1:
        if word not in index:
            index[word] = len(words)
            words.append(word)
    new = len(words) - len(general.words)
    dropped = np.array([w in banned for w in words])

    g1 = np.concatenate([10 ** general.p1.astype(float), np.full(new, 1e-9)])
    back1 = np.concatenate([general.backoff1.astype(float), np.zeros(new)])
    p1 = g1 * (1 - unigram_weight)
    for word in domain.c1:
        p1[index[word]] += unigram_weight * domain.p1(word)
    p1[index["<s>"]] = 1e-99
    start = index["<s>"]

    # What the general model knows about the corpus' histories.
    histories = {index[h] for h in domain.c2}
    touched2 = np.isin(general.older2, np.fromiter(histories, int))
    general2: defaultdict[int, dict[int, tuple[float, float]]] = defaultdict(dict)
    for i in np.flatnonzero(touched2):
        general2[int(general.older2[i])][int(general.word2[i])] = (
            10 ** float(general.p2[i]),
            float(general.backoff2[i]),
        )
    pairs = {(index[a], index[b]) for a, b in domain.c3}
    keys = general.older3 * len(words) + general.middle3
    touched3 = np.isin(keys, np.fromiter((a * len(words) + b for a, b in pairs), np.int64))
    general3: defaultdict[tuple[int, int], dict[int, float]] = defaultdict(dict)
    for i in np.flatnonzero(touched3):
        general3[int(general.older3[i]), int(general.middle3[i])][int(general.word3[i])] = 10 ** float(general.p3[i])

    def share(seen: int) -> float:
        return weight * seen / (seen + 1)

    def general_p2(older: int, word: int) -> float:
        known = general2[older].get(word)
        return known[0] if known else float(10 ** back1[older] * g1[word])

    mixed2: dict[int, dict[int, float]] = {}
    mixed_back1 = back1.copy()
    for older in sorted(histories):
        name, own = words[older], domain.c2[words[older]]
        lam = share(own.total())
        followers = set(general2[older]) | {index[w] for w in own}
        q = {w: lam * domain.p2(name, words[w]) + (1 - lam) * general_p2(older, w) for w in followers}
        mixed2[older] = q
        left = 1 - sum(p1[w] for w in followers if w != start)
        mixed_back1[older] = math.log10(max(1e-6, 1 - sum(q.values())) / max(1e-6, left))

    def mixed_p2(older: int, word: int) -> float:
        known = mixed2[older].get(word)
        return known if known is not None else float(10 ** mixed_back1[older] * p1[word])

    mixed3: dict[tuple[int, int], dict[int, float]] = {}
    mixed_back2: dict[tuple[int, int], float] = {}
    for older, middle in sorted(pairs):
        own = domain.c3[words[older], words[middle]]
        lam = share(own.total())
        back = 10 ** general2[older].get(middle, (0.0, 0.0))[1]
        known3 = general3[older, middle]
        followers = set(known3) | {index[w] for w in own}
        q = {
            w: lam * domain.p3(words[older], words[middle], words[w])
            + (1 - lam) * (known3[w] if w in known3 else back * general_p2(middle, w))
            for w in followers
        }
        mixed3[older, middle] = q
        left = 1 - sum(mixed_p2(middle, w) for w in followers)
        mixed_back2[older, middle] = math.log10(max(1e-6, 1 - sum(q.values())) / max(1e-6, left))

    keep2 = ~touched2 & ~_any_dropped(dropped, general.older2, general.word2)
    keep3 = ~touched3 & ~_any_dropped(dropped, general.older3, general.middle3, general.word3)
    bigrams = [
        (words[h], words[w], p, mixed_back2.get((h, w), general2[h].get(w, (0.0, 0.0))[1]))
        for h, q in mixed2.items()
        for w, p in q.items()
        if not (dropped[h] or dropped[w])
    ]
    trigrams = [
        (words[a], words[b], words[w], p)
        for (a, b), q in mixed3.items()
        for w, p in q.items()
        if not (dropped[a] or dropped[b] or dropped[w])
    ]
    counts = [int((~dropped).sum()), int(keep2.sum()) + len(bigrams), int(keep3.sum()) + len(trigrams)]
    file.write("\\data\\\n" + "".join(f"ngram {n}={c}\n" for n, c in enumerate(counts, 1)) + "\n\\1-grams:\n")
    for kept in sorted(np.flatnonzero(~dropped).tolist(), key=words.__getitem__):
        file.write(f"{_log(p1[kept])}\t{words[kept]}\t{mixed_back1[kept]:.4f}\n")
    file.write("\n\\2-grams:\n")
    for older, word, p, b in _rows(general.older2, general.word2, general.p2, general.backoff2, where=keep2):
        file.write(f"{p:.4f}\t{words[older]} {words[word]}\t{b:.4f}\n")
    file.writelines(f"{_log(p)}\t{older} {word}\t{back:.4f}\n" for older, word, p, back in bigrams)
    file.write("\n\\3-grams:\n")
    for a, b, w, p in _rows(general.older3, general.middle3, general.word3, general.p3, where=keep3):
        file.write(f"{p:.4f}\t{words[a]} {words[b]} {words[w]}\n")
    file.writelines(f"{_log(p)}\t{older} {middle} {word}\n" for older, middle, word, p in trigrams)
    file.write("\n\\end\\\n")


def _any_dropped(dropped: NDArray[np.bool_], *columns: IntArray) -> NDArray[np.bool_]:
    """Which rows hold a dropped word in any of their columns."""
    out = np.zeros(len(columns[0]), bool)
    for column in columns:
        out |= dropped[column]
    return out


def _rows(*columns: NDArray[Any], where: NDArray[np.bool_]) -> Iterable[tuple[Any, ...]]:
    return zip(*(c[where].tolist() for c in columns), strict=True)


def _log(p: float) -> str:
    return f"{math.log10(max(p, _FLOOR)):.4f}"
