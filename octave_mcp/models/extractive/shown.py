"""The evidence that an ask shows, and how to cite it again."""

from __future__ import annotations

from collections.abc import Sequence

from octave_mcp.domain.evidence import Cite, EvidenceId, Passage
from octave_mcp.domain.page import PageKind
from octave_mcp.evidence.passages import evidence_id, is_stale

OLD_DAYS = 1500
STALE = 0.6
"""What is less fresh, as what is undated on a blog, opens an e-mail only where there is nothing else."""
KEPT_UP: frozenset[PageKind] = frozenset({"home", "about", "careers", "pricing", "product", "customers", "security"})


class Shown:
    """Passages made of evidence, found by the evidence's id."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self.passages = tuple(passages)
        self.number = {evidence_id(p.page, p.start, p.start + len(p.text)): n for n, p in enumerate(passages, 1)}

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
        """Whether it may show what is needed today: of the last 18 months, or undated on a page that is kept up."""
        dated = [passage.page for i in evidence if (passage := self.passage(i)) and passage.page.published_on]
        return not all(map(is_stale, dated)) if dated else self.freshness(evidence) > STALE

    def freshness(self, evidence: Sequence[EvidenceId]) -> float:
        """From 0 for what is over four years old to 3 for what is new; undated, 2 on pages kept up, else 0.5."""
        found = [passage.page for i in evidence if (passage := self.passage(i))]
        if (age := self.age_days(evidence)) is not None:
            return 3 * max(0.0, 1 - age / OLD_DAYS)
        return max((2.0 if page.kind in KEPT_UP else 0.5 for page in found), default=0.0)
