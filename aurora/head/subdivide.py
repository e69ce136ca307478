"""One Catmull-Clark step as a linear operator: what refines the positions refines every unit too."""

from __future__ import annotations

import numpy as np

from aurora.head.geometry import Flags, Floats, Ints, scatter


class Subdivision:
    """Refines whatever lives on ``count`` vertices of a mesh of quads. ``faces`` are the refined mesh's quads."""

    def __init__(self, quads: Ints, count: int) -> None:
        self._quads, self._count = quads, count
        corners = np.stack([quads, np.roll(quads, -1, 1)], -1).reshape(-1, 2)
        edges, inverse, uses = np.unique(np.sort(corners, 1), axis=0, return_inverse=True, return_counts=True)
        self._edges: Ints = edges
        self._edge_of: Ints = inverse.reshape(-1)
        self._inner: Flags = uses == 2
        side = self._edge_of.reshape(quads.shape)
        middles = count + len(edges) + np.arange(len(quads))
        self.faces: Ints = np.concatenate(
            [np.stack([quads[:, k], count + side[:, k], middles, count + side[:, (k - 1) % 4]], 1) for k in range(4)]
        )
        self._valence = np.bincount(quads.reshape(-1), minlength=count)
        self._edges_at = np.maximum(np.bincount(edges.reshape(-1), minlength=count), 1)
        self._border: Flags = np.zeros(count, bool)
        self._border[edges[uses == 1].reshape(-1)] = True

    def __call__(self, values: Floats) -> Floats:
        """``(count, k)`` on the old vertices to ``(more, k)`` on the new: corners, edges, faces."""
        quads, edges, n = self._quads, self._edges, self._count
        face = values[quads].mean(1)
        middle = values[edges].mean(1)
        beside = scatter(self._edge_of, np.repeat(face, 4, 0), len(edges))
        edge = np.where(self._inner[:, None], (2.0 * middle + beside) / 4.0, middle)
        around = scatter(quads.reshape(-1), np.repeat(face, 4, 0), n)
        spokes = scatter(edges.T.reshape(-1), np.concatenate([middle, middle]), n)
        valence = np.maximum(self._valence, 1)[:, None]
        corner = (around / valence + 2.0 * spokes / self._edges_at[:, None] + (valence - 3) * values) / valence
        rim = edges[~self._inner]
        along = scatter(rim.T.reshape(-1), np.concatenate([values[rim[:, 1]], values[rim[:, 0]]]), n)
        corner = np.where(self._border[:, None], (along + 6.0 * values) / 8.0, corner)
        corner = np.where((self._valence == 0)[:, None], values, corner)
        return np.concatenate([corner, edge, face])


def border(quads: Ints, count: int) -> Flags:
    """Which vertices lie on an open edge."""
    corners = np.sort(np.stack([quads, np.roll(quads, -1, 1)], -1).reshape(-1, 2), 1)
    edges, uses = np.unique(corners, axis=0, return_counts=True)
    out = np.zeros(count, bool)
    out[edges[uses == 1].reshape(-1)] = True
    return out
