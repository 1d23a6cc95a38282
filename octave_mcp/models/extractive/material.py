"""What can be quoted from a brief, and the persona for whose outlines each quotation is used."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from octave_mcp.domain.asks import WritingBrief
from octave_mcp.domain.evidence import Cite, EvidenceId
from octave_mcp.domain.prospect import BuyerPersona, Need, PainPoint
from octave_mcp.domain.vendor import CaseStudy, Offering, ProofPoint
from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.lines import Line, lines
from octave_mcp.models.extractive.outlines import Outline, Relation, outline, statement
from octave_mcp.models.extractive.pairs import Pair, needs_by_persona, pains_of, pairs_by_persona
from octave_mcp.models.extractive.passages import Passages
from octave_mcp.models.extractive.proofs import Proof, is_same, proofs
from octave_mcp.models.extractive.quoting import MAX_WORDS, quotable, quoted

Quotation = tuple[str, tuple[EvidenceId, ...]]
NONE: Quotation = ("", ())


class Material:
    def __init__(self, brief: WritingBrief, passages: Passages) -> None:
        self.brief, self.passages = brief, passages
        self.vendor, self.prospect = brief.names.vendor, brief.names.prospect

    @property
    def personas(self) -> tuple[BuyerPersona, ...]:
        return self.brief.prospect.buyer_personas

    @property
    def relation(self) -> Relation:
        if self.brief.existing_customer:
            return "existing_customer"
        return "vendor_is_customer" if self.brief.vendor_is_customer else "cold"

    @property
    def outline(self) -> Outline:
        return outline(self.relation)

    def statement(self, label: str, **words: str) -> str:
        return statement("statements", label, vendor=self.vendor, prospect=self.prospect, **words)

    def cites(self, evidence: Sequence[EvidenceId]) -> tuple[Cite, ...]:
        return self.passages.cites(evidence)

    @cached_property
    def lines(self) -> list[Line]:
        return lines(self.brief.prospect, self.prospect, self.passages)

    @cached_property
    def proofs(self) -> list[Proof]:
        return proofs(self.brief.vendor, self.vendor, self.prospect, self.passages)

    @cached_property
    def needs(self) -> list[Need]:
        return needs_by_persona(self.personas, self.brief.prospect.pain_points)

    @cached_property
    def pairs(self) -> list[list[Pair]]:
        """The pairs of each persona; one is made even if neither a line nor a proof is found."""
        own = [cues.FUNCTION_NEEDS[persona.function] for persona in self.personas]
        wanted: list[tuple[Need, ...]] = [(need, *others) for need, others in zip(self.needs, own, strict=True)]
        found = pairs_by_persona(self.lines, self.proofs, wanted, self.brief.context)
        return [hand or [Pair(None, None, need)] for hand, need in zip(found, self.needs, strict=True)]

    def pains_of(self, persona: BuyerPersona) -> list[PainPoint]:
        return pains_of(persona, self.brief.prospect.pain_points)

    @cached_property
    def relations(self) -> list[Quotation]:
        """The existing relation between the two companies, and the evidence for it."""
        found: list[Quotation] = []
        if own := self.brief.existing_customer:
            story = self._own_story
            evidence = (*own, *(story.evidence[:1] if story else ()))
            found.append((_titled(self.statement("Prospect is customer"), _headline(story)), evidence))
        if own := self.brief.vendor_is_customer:
            found.append((_titled(self.statement("Vendor is customer"), self._their_story), own))
        return found

    @property
    def _own_story(self) -> CaseStudy[EvidenceId] | None:
        """The vendor's case study about the prospect."""
        return next((s for s in self.brief.vendor.case_studies if is_same(s.customer, self.prospect)), None)

    @property
    def _their_story(self) -> str:
        """A short line of the prospect's own story that names the vendor, if there is one."""
        found = [p for i in self.brief.vendor_is_customer if (p := self.passages.passage(i))]
        told = (p.text for p in found if p.page.kind == "case_study" and has_words(self.vendor, p.text))
        return next((text for text in told if 1 < len(text.split()) <= MAX_WORDS and "“" not in text), "")

    @cached_property
    def champion(self) -> ProofPoint[EvidenceId] | None:
        """Someone at the prospect whom the vendor's own pages quote."""
        said = [p for p in self.brief.vendor.proof_points if p.kind == "testimonial" and p.person and p.role]
        return next((p for p in said if p.company and is_same(p.company, self.prospect)), None)

    @cached_property
    def promise(self) -> Quotation:
        """What the vendor says of itself, in one sentence."""
        pitch, values = self.brief.pitch, self.brief.vendor.value_propositions
        told = [(pitch.text, pitch.evidence)] if pitch else []
        told += [(value.text, value.evidence) for value in values]
        for text, evidence in told:
            if self.passages.english(evidence) and (said := next(quotable(text), "")):
                return quoted(said), evidence
        return NONE

    @cached_property
    def offerings(self) -> list[Offering[EvidenceId]]:
        """What can be quoted on products and services, without those that the prospect's own story names."""
        own = " ".join(self._of_own_story())
        return [
            offering
            for offering in self.brief.vendor.offerings
            if offering.kind != "plan"
            and any(quotable(offering.description))
            and self.passages.english(offering.evidence)
            and not _speaks_of(own, offering.name)
        ]

    def _of_own_story(self) -> list[str]:
        """What is known of the page that tells the prospect's story."""
        found = [p for i in (self._own_story.evidence if self._own_story else ()) if (p := self.passages.passage(i))]
        pages = {passage.page.url for passage in found}
        return [passage.text for passage in self.passages.passages if passage.page.url in pages]


def _titled(relation: str, headline: str) -> str:
    return f"{relation}: {quoted(headline)}" if headline else f"{relation}."


def _headline(story: CaseStudy[EvidenceId] | None) -> str:
    return story.headline if story and '"' not in story.headline and "“" not in story.headline else ""


def _speaks_of(told: str, name: str) -> bool:
    """Whether a text names a product, in singular or plural."""
    return has_words(name, told) or has_words(name.removesuffix("s"), told)
