"""The passages of an ask, made of evidence: how to cite them again, in which language they are, and how old."""

from __future__ import annotations

from collections.abc import Sequence

from octave_mcp.domain.evidence import Cite, EvidenceId, Passage
from octave_mcp.domain.page import PageKind
from octave_mcp.evidence.passages import STALE_MONTHS, is_stale, passage_id

STALE_DAYS = STALE_MONTHS * 365 / 12
KEPT_UP: frozenset[PageKind] = frozenset({"home", "about", "careers", "pricing", "product", "customers", "security"})


class Passages:
    """Found by the id of the evidence of which each is made."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self.passages = tuple(passages)
        self.number = {passage_id(p): n for n, p in enumerate(passages, 1)}

    def cites(self, evidence: Sequence[EvidenceId]) -> tuple[Cite, ...]:
        return tuple(Cite(passage=self.number[i]) for i in evidence if i in self.number)

    def passage(self, evidence: EvidenceId) -> Passage | None:
        number = self.number.get(evidence)
        return self.passages[number - 1] if number else None

    def english(self, evidence: Sequence[EvidenceId]) -> bool:
        """Whether all of it is on English pages: only such quotations go into English copy."""
        found = [passage for i in evidence if (passage := self.passage(i))]
        return bool(found) and all(passage.page.language in {"en", "und"} for passage in found)

    def age_days(self, evidence: Sequence[EvidenceId]) -> int | None:
        """The age of the newest of it that bears a date."""
        pages = [passage.page for i in evidence if (passage := self.passage(i))]
        return min(
            ((page.fetched_at.date() - page.published_on).days for page in pages if page.published_on), default=None
        )

    def is_current(self, evidence: Sequence[EvidenceId]) -> bool:
        """Whether it may show what is needed today: not stale, or undated on a page that is kept up."""
        pages = [passage.page for i in evidence if (passage := self.passage(i))]
        dated = [page for page in pages if page.published_on]
        return not all(map(is_stale, dated)) if dated else any(page.kind in KEPT_UP for page in pages)

    def recency(self, evidence: Sequence[EvidenceId]) -> float:
        """From 1 for what was published on the day it was fetched to 0 for what is stale or undated."""
        age = self.age_days(evidence)
        return 0.0 if age is None else max(0.0, 1 - age / STALE_DAYS)
