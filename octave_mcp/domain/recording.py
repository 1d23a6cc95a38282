"""Information about answers that were recorded in one run and replayed in another."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated

from pydantic import AliasChoices, Field

from octave_mcp.domain.value import Value

# A recording is stale if more than this fraction of its citations are no longer on the pages.
MAX_UNMAPPED = 0.1

# `notes` is the name of this field in records that earlier releases stored.
Notices = Annotated[tuple[str, ...], Field(validation_alias=AliasChoices("notices", "notes"))]


class Replayed(Value):
    """The origin of a replayed answer, and how many of the answer's citations are still on the pages.

    - `question`: the company's role and the prompt, such as 'prospect company/triggers'. If a run asks about several
      packs of pages, the answers for all packs have the same `question`.
    - `of`: the number of citations in all recorded answers to the question.
    - `mapped`: the number of these citations that the replayed answer contains.
    - `notices`: sentences about other changes since the recording was made.
    """

    model: str
    recorded_on: date
    question: str
    mapped: int
    of: int
    notices: Notices = ()


class Recording(Value):
    """The recording that the answers behind a playbook come from.

    `model` is the model that wrote the answers. `of` is the number of citations in the recording; `unmapped` is the
    number of citations that were dropped because they are no longer on the pages.
    """

    model: str
    recorded_on: date
    unmapped: int
    of: int
    notices: Notices = ()

    @property
    def is_stale(self) -> bool:
        return self.unmapped > MAX_UNMAPPED * self.of

    @property
    def lost(self) -> str:
        return f"{self.unmapped} of its {self.of} citations are no longer on the pages"


def recording_of(answers: Iterable[Replayed]) -> Recording | None:
    """Summarize the replayed answers of one run; None if there are no answers."""
    replayed = tuple(answers)
    if not replayed:
        return None
    # Each answer repeats the total of its question (`of`), so add this total only once for each question.
    of = sum({answer.question: answer.of for answer in replayed}.values())
    return Recording(
        model=replayed[0].model,
        recorded_on=replayed[0].recorded_on,
        unmapped=of - sum(answer.mapped for answer in replayed),
        of=of,
        notices=tuple(sorted({notice for answer in replayed for notice in answer.notices})),
    )
