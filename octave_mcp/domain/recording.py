"""What is known of answers that were recorded in one run and replayed in another."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from octave_mcp.domain.value import Value

# The share of a recording's citations that may be missing on the pages as they are now.
MAX_UNMAPPED = 0.1


class Replayed(Value):
    """What a replayed answer took from the recording: `mapped` of its question's `of` citations were found.

    One `question` may have several answers, each about other pages. `notices` say what else has changed since.
    """

    model: str
    recorded_on: date
    question: str
    mapped: int
    of: int
    notices: tuple[str, ...] = ()


class Recording(Value):
    """The recording that a playbook was replayed from: the `model` that wrote it, and when.

    `unmapped` of its `of` citations are no longer on the pages, and were dropped.
    """

    model: str
    recorded_on: date
    unmapped: int
    of: int
    notices: tuple[str, ...] = ()

    @property
    def is_stale(self) -> bool:
        return self.unmapped > MAX_UNMAPPED * self.of

    @property
    def lost(self) -> str:
        return f"{self.unmapped} of its {self.of} citations are no longer on the pages"


def recording_of(answers: Iterable[Replayed]) -> Recording | None:
    """The recording that these answers of one run come from; None if none was replayed."""
    found = tuple(answers)
    if not found:
        return None
    of = sum({one.question: one.of for one in found}.values())
    return Recording(
        model=found[0].model,
        recorded_on=found[0].recorded_on,
        unmapped=of - sum(one.mapped for one in found),
        of=of,
        notices=tuple(sorted({notice for one in found for notice in one.notices})),
    )
