"""Collects the quotations for a playbook's outlines, and distributes them among the personas."""

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
    """The quotations and facts that the outlines of one playbook can use.

    Each property is computed from the brief on first use.
    """

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
        """The pairs for each persona. Each pair becomes one e-mail.

        A persona without a pair gets an empty pair, so that every persona has an outline.
        """
        own = [cues.FUNCTION_NEEDS[persona.function] for persona in self.personas]
        wanted: list[tuple[Need, ...]] = [(need, *others) for need, others in zip(self.needs, own, strict=True)]
        by_persona = pairs_by_persona(self.lines, self.proofs, wanted, self.brief.context)
        return [pairs or [Pair(None, None, need)] for pairs, need in zip(by_persona, self.needs, strict=True)]

    def pains_of(self, persona: BuyerPersona) -> list[PainPoint]:
        return pains_of(persona, self.brief.prospect.pain_points)

    @cached_property
    def relations(self) -> list[Quotation]:
        """Statements about an existing relation between the two companies, with evidence."""
        relations: list[Quotation] = []
        if evidence := self.brief.existing_customer:
            story = self._story_about_prospect
            cited = (*evidence, *(story.evidence[:1] if story else ()))
            relations.append((_titled(self.statement("Prospect is customer"), _headline(story)), cited))
        if evidence := self.brief.vendor_is_customer:
            relations.append((_titled(self.statement("Vendor is customer"), self._story_about_vendor), evidence))
        return relations

    @property
    def _story_about_prospect(self) -> CaseStudy[EvidenceId] | None:
        """The vendor's case study about the prospect."""
        return next((s for s in self.brief.vendor.case_studies if is_same(s.customer, self.prospect)), None)

    @property
    def _story_about_vendor(self) -> str:
        """A short line about the vendor from a case study on the prospect's site, or '' if there is none."""
        cited = [p for i in self.brief.vendor_is_customer if (p := self.passages.passage(i))]
        texts = (p.text for p in cited if p.page.kind == "case_study" and has_words(self.vendor, p.text))
        return next((text for text in texts if 1 < len(text.split()) <= MAX_WORDS and "“" not in text), "")

    @cached_property
    def champion(self) -> ProofPoint[EvidenceId] | None:
        """A testimonial on the vendor's pages by somebody who works at the prospect."""
        testimonials = [p for p in self.brief.vendor.proof_points if p.kind == "testimonial" and p.person and p.role]
        return next((p for p in testimonials if p.company and is_same(p.company, self.prospect)), None)

    @cached_property
    def promise(self) -> Quotation:
        """The vendor's promise in one sentence: from its pitch, or else from its first quotable value proposition."""
        pitch, values = self.brief.pitch, self.brief.vendor.value_propositions
        candidates = [(pitch.text, pitch.evidence)] if pitch else []
        candidates += [(value.text, value.evidence) for value in values]
        for text, evidence in candidates:
            if self.passages.english(evidence) and (sentence := next(quotable(text), "")):
                return quoted(sentence), evidence
        return NONE

    @cached_property
    def offerings(self) -> list[Offering[EvidenceId]]:
        """Products and services to propose to the prospect.

        If the vendor has a case study about the prospect, leave out the products in it, because the prospect already
        uses them.
        """
        owned = " ".join(self._texts_of_story())
        return [
            offering
            for offering in self.brief.vendor.offerings
            if offering.kind != "plan"
            and any(quotable(offering.description))
            and self.passages.english(offering.evidence)
            and not _mentions(owned, offering.name)
        ]

    def _texts_of_story(self) -> list[str]:
        """All passages of the pages that contain the case study about the prospect."""
        evidence = self._story_about_prospect.evidence if self._story_about_prospect else ()
        urls = {passage.page.url for i in evidence if (passage := self.passages.passage(i))}
        return [passage.text for passage in self.passages.passages if passage.page.url in urls]


def _titled(relation: str, headline: str) -> str:
    return f"{relation}: {quoted(headline)}" if headline else f"{relation}."


def _headline(story: CaseStudy[EvidenceId] | None) -> str:
    """Return the headline, or '' if it contains a quotation, because quotations must not be nested."""
    return story.headline if story and '"' not in story.headline and "“" not in story.headline else ""


def _mentions(text: str, name: str) -> bool:
    """Whether a text contains a product's name in singular or plural."""
    return has_words(name, text) or has_words(name.removesuffix("s"), text)
