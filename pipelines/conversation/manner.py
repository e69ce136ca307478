"""How replies are made: spoken or written, by which instructions, and how long they may be. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Manner:
    """How one reply is made.

    ``written``: it is read, not heard, so neither voice nor face are asked. ``instructions`` stand below the persona.
    ``most_tokens`` ends it, if it is set: a piece of text that the model hands over counts as one.
    """

    written: bool = False
    instructions: str = ""
    most_tokens: int | None = None


@dataclass(slots=True)
class Manners:
    """How a conversation's replies are made that begin from now on.

    ``once`` stands in place of ``usual`` for the next reply that is begun and decided.
    """

    usual: Manner = field(default_factory=Manner)
    once: Manner | None = None
    _decided: tuple[int, Manner] | None = None

    def of(self, turn: int) -> Manner:
        """How a reply to a turn is made that begins now: one that is made again as it was before."""
        if self._decided and self._decided[0] == turn:
            return self._decided[1]
        return self.once or self.usual

    def decided(self, turn: int) -> None:
        """A reply to the turn is decided; the next turn's is made as usual."""
        if self.once:
            self._decided, self.once = (turn, self.once), None
