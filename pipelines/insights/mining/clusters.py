"""Which misheard utterances are alike: names, numbers or phrases that the recogniser gets wrong again and again.

Character n-grams, because words that were misheard are spelt in many ways. With a GPU and very many of them, RAPIDS
cuML takes scikit-learn's place: ``python -m cuml.accel -m pipelines.insights mine …``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

FEWEST: Final = 3
"""Utterances that make a cluster."""

REACH: Final = 0.55
"""Cosine distance up to which an utterance is near another: about half of their n-grams are shared."""


def clusters(texts: Sequence[str]) -> list[int]:
    """The cluster of each text, counted from 0 by size; -1 for one that is like no other. The same every time.

    DBSCAN (Ester et al., 1996) over TF-IDF of 2 to 4 characters: it needs no number of clusters, and no chance.
    Raises ``ImportError`` without scikit-learn.
    """
    from sklearn.cluster import DBSCAN  # noqa: PLC0415 - an extra, and slow to import
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415

    plain = [" ".join(text.lower().split()) for text in texts]
    if len(plain) < FEWEST or not any(plain):
        return [-1] * len(plain)
    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True).fit_transform(plain)
    found = DBSCAN(eps=REACH, min_samples=FEWEST, metric="cosine").fit_predict(grams).tolist()
    sizes = {label: found.count(label) for label in found if label >= 0}
    order = {label: number for number, label in enumerate(sorted(sizes, key=lambda label: (-sizes[label], label)))}
    return [order.get(label, -1) for label in found]
