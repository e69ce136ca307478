"""How long something takes, as a distribution: a constant, a median with its 95th percentile, or what was measured."""

from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, model_serializer, model_validator

LONGEST: Final = 600.0
"""Seconds; nothing in a conversation takes longer."""

MOST_SAMPLES: Final = 1000

Value = Annotated[float, Field(ge=-LONGEST, le=LONGEST, allow_inf_nan=False)]

_NORMAL = NormalDist()
_Z95 = _NORMAL.inv_cdf(0.95)
_ALMOST: Final = 1e-12  # the normal distribution has no quantiles of 0 and 1


class Distribution(BaseModel):
    """In YAML a number, ``{p50: 0.1, p95: 0.2}`` (log-normal, so neither may be 0) or ``{samples: [0.1, 0.12]}``.

    Samples stand for themselves and everything between two neighbours.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    constant: Value | None = None
    p50: Value | None = None
    p95: Value | None = None
    samples: tuple[Value, ...] | None = Field(None, min_length=1, max_length=MOST_SAMPLES)

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        if isinstance(given, int | float) and not isinstance(given, bool):
            return {"constant": given}
        if not isinstance(given, dict | Distribution):
            raise ValueError("it must be a number, {p50: …, p95: …} or {samples: […]}")
        return given

    @model_validator(mode="after")
    def _one_form(self) -> Distribution:
        if set(self._given()) not in ({"constant"}, {"p50", "p95"}, {"samples"}):
            raise ValueError("it must be a number, {p50: …, p95: …} or {samples: […]}")
        if self.p50 is not None and self.p95 is not None and not 0 < self.p50 <= self.p95:
            raise ValueError("p50 must be above 0 and not above p95")
        if self.samples is not None:
            object.__setattr__(self, "samples", tuple(sorted(self.samples)))
        return self

    @model_serializer
    def _as_written(self) -> float | dict[str, Any]:
        if self.constant is not None:
            return self.constant
        return {name: list(value) if isinstance(value, tuple) else value for name, value in self._given().items()}

    @property
    def least(self) -> float:
        """The smallest value that it has, or tends to."""
        return 0.0 if self.p50 is not None else self.at(0.0)

    def at(self, share: float) -> float:
        """The value that a ``share`` (0 to 1) of all values do not exceed."""
        if self.constant is not None:
            return self.constant
        if self.samples is not None:
            place = min(max(share, 0.0), 1.0) * (len(self.samples) - 1)
            below = int(place)
            above = min(below + 1, len(self.samples) - 1)
            return self.samples[below] + (place - below) * (self.samples[above] - self.samples[below])
        assert self.p50 is not None
        assert self.p95 is not None
        z = _NORMAL.inv_cdf(min(max(share, _ALMOST), 1 - _ALMOST))
        return self.p50 * float((self.p95 / self.p50) ** (z / _Z95))

    def draw(self, chance: Callable[[], float]) -> float:
        """A value by chance; ``chance`` gives numbers between 0 and 1 and is asked exactly once.

        So two distributions that are asked with the same chance give values of the same rank, and what differs
        between two simulations is only what was changed.
        """
        return self.at(chance())

    def _given(self) -> dict[str, Any]:
        return {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}


def exactly(seconds: float) -> Distribution:
    """Always the same."""
    return Distribution(constant=seconds)
