"""Looks up the passages of an ask by evidence ID, and determines their language and age."""

from __future__ import annotations

from collections.abc import Sequence

from octave_mcp.domain.evidence import Cite, EvidenceId, Passage
from octave_mcp.domain.page import PageKind
from octave_mcp.evidence.passages import STALE_MONTHS, is_stale, passage_id

STALE_DAYS = STALE_MONTHS * 365 / 12
# Companies usually keep pages of these kinds up to date, so these pages count as current even without a date. A blog
# post without a date can be years old.
MAINTAINED: frozenset[PageKind] = frozenset({"home", "about", "careers", "pricing", "product", "customers", "security"})


class Passages:
    """Passages by evidence ID.

    `number` maps each ID to the position of the passage in the ask, starting at 1. Answers cite passages by their
    positions.
    """

    def __init__(self, passages: Sequence[Passage]) -> None:
        self.passages = tuple(passages)
        self.number = {passage_id(p): n for n, p in enumerate(passages, 1)}

    def cites(self, evidence: Sequence[EvidenceId]) -> tuple[Cite, ...]:
        return tuple(Cite(passage=self.number[i]) for i in evidence if i in self.number)

    def passage(self, evidence: EvidenceId) -> Passage | None:
        number = self.number.get(evidence)
        return self.passages[number - 1] if number else None

    def english(self, evidence: Sequence[EvidenceId]) -> bool:
        """Whether all pages of the evidence are in English.

        Quotations in other languages do not fit into English outlines.
        """
        pages = [passage.page for i in evidence if (passage := self.passage(i))]
        return bool(pages) and all(page.language in {"en", "und"} for page in pages)

    def age_days(self, evidence: Sequence[EvidenceId]) -> int | None:
        """Return the age of the newest dated page, or None if no page has a date."""
        pages = [passage.page for i in evidence if (passage := self.passage(i))]
        return min(
            ((page.fetched_at.date() - page.published_on).days for page in pages if page.published_on), default=None
        )

    def is_current(self, evidence: Sequence[EvidenceId]) -> bool:
        """Whether the evidence can show a current need.

        The cited page must be recent. If the page has no date, its kind must be in `MAINTAINED`.
        """
        pages = [passage.page for i in evidence if (passage := self.passage(i))]
        dated = [page for page in pages if page.published_on]
        return not all(map(is_stale, dated)) if dated else any(page.kind in MAINTAINED for page in pages)

    def recency(self, evidence: Sequence[EvidenceId]) -> float:
        """Return a score between 0 and 1.

        The score is 1 for a page that was published on the day it was fetched, and 0 for a stale or undated page.
        """
        age = self.age_days(evidence)
        return 0.0 if age is None else max(0.0, 1 - age / STALE_DAYS)
