"""Where a prospect's need meets a vendor's proof: what each persona's copy is made of.

Every writer sees the same brief, so each computes the same shares; no proof and no opening line is used for two
personas while there are enough of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from octave_mcp.copywriting.rubric import QUOTED_WORDS
from octave_mcp.domain.asks import WritingBrief
from octave_mcp.domain.evidence import Cite, Claim, EvidenceId
from octave_mcp.domain.prospect import BuyerPersona, Fact, FactTopic, JobFunction, Need, PainPoint
from octave_mcp.domain.vendor import CaseStudy, Offering, ProofPoint
from octave_mcp.evidence.figures import figures, has_words, normal
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.copy import (
    CLAIM_WORDS,
    as_statement,
    quotable,
    sentence,
    shortest,
    stands_alone,
    without_lead,
)
from octave_mcp.models.extractive.names import is_person, speaks_of
from octave_mcp.models.extractive.shown import STALE, Shown, latin_names

T = TypeVar("T")

_NO_OPENING = frozenset({"case_study", "docs", "security", "faq", "other"})
_OF_PRODUCTS: frozenset[FactTopic] = frozenset({"offering", "technology", "pricing", "compliance"})
PASSING_DAYS = 120

_TOPICS: tuple[FactTopic, ...] = (
    "initiative",
    "funding",
    "scale",
    "hiring",
    "team",
    "customers",
    "business",
    "location",
    "technology",
    "offering",
    "pricing",
    "compliance",
)
_PAGES = {
    "about": "your about page",
    "careers": "your careers page",
    "home": "your home page",
    "news": "a news post of yours",
    "blog": "a blog post of yours",
    "pricing": "your pricing page",
    "customers": "your customers page",
    "product": "a product page of yours",
    "security": "your security page",
}
_POINTS_BACK = re.compile(r"\b(?:it|this|that|them|these|those|they)\b", re.IGNORECASE)
_NAME = re.compile(r"(?<=[\w,;] )[A-Z][\w’'&-]*(?: [A-Z][\w’'&-]*)+")
"""A name of several words, which says nothing of a need: 'Peak XV'."""
_PASSES = re.compile(
    r"\b(?:today|tomorrow|soon|next (?:few )?(?:week|month|year)s?|coming (?:week|month)s?|"
    r"this (?:week|month|year)|just|now)\b",
    re.IGNORECASE,
)
_FIRST_PERSON = re.compile(r"\b(?:I|I'm|I’m|I've|I’ve|my|me)\b")


@dataclass(frozen=True, slots=True)
class Proof:
    """A result of another customer's, in the page's own words."""

    customer: str
    text: str
    evidence: tuple[EvidenceId, ...]
    needs: frozenset[Need]
    measured: bool


@dataclass(frozen=True, slots=True)
class Voice:
    """Praise by a person with a name and a job, short enough to quote."""

    person: str
    role: str
    company: str
    quote: str
    evidence: tuple[EvidenceId, ...]
    needs: frozenset[Need]
    function: JobFunction | None


@dataclass(frozen=True, slots=True)
class Hook:
    """A line of the prospect's own to open with; `quote` is empty where its page is not in English."""

    page: str
    quote: str
    names: str
    evidence: tuple[EvidenceId, ...]
    needs: frozenset[Need]
    worth: float


class Material:
    """A brief, as what can be said from it."""

    def __init__(self, brief: WritingBrief, shown: Shown) -> None:
        self.brief, self.shown = brief, shown
        self.vendor, self.prospect = brief.names.vendor, brief.names.prospect

    @property
    def personas(self) -> tuple[BuyerPersona, ...]:
        return self.brief.prospect.buyer_personas

    @property
    def expansion(self) -> bool:
        return bool(self.brief.existing_customer)

    @property
    def already(self) -> str:
        return f"{self.prospect} is a customer of {self.vendor}"

    @property
    def buying(self) -> bool:
        """Whether the vendor is the prospect's customer."""
        return bool(self.brief.vendor_is_customer)

    @property
    def own_title(self) -> str:
        """What the prospect calls its story of the vendor, where it tells one that can be quoted."""
        passages = [p for i in self.brief.vendor_is_customer if (p := self.shown.passage(i))]
        told = next((p for p in passages if p.page.kind == "case_study" and has_words(self.vendor, p.text)), None)
        fits = told and self.shown.english(self.brief.vendor_is_customer) and 1 < len(told.text.split()) <= QUOTED_WORDS
        return told.text if told and fits and "“" not in told.text else ""

    def cites(self, evidence: Sequence[EvidenceId]) -> tuple[Cite, ...]:
        return self.shown.cites(evidence)

    def is_prospect(self, name: str) -> bool:
        """Its own story is not proof to itself."""
        return normal(name).replace(" ", "") == normal(self.prospect).replace(" ", "")

    @property
    def pitch(self) -> Claim[EvidenceId] | None:
        """What the vendor says of itself, where an English e-mail can quote it."""
        pitch = self.brief.pitch
        return pitch if pitch and self.shown.english(pitch.evidence) else None

    @cached_property
    def own_story(self) -> CaseStudy[EvidenceId] | None:
        """What the vendor tells of the prospect as its customer."""
        return next((story for story in self.brief.vendor.case_studies if self.is_prospect(story.customer)), None)

    @cached_property
    def stories(self) -> list[CaseStudy[EvidenceId]]:
        return [story for story in self.brief.vendor.case_studies if not self.is_prospect(story.customer)]

    @cached_property
    def proofs(self) -> list[Proof]:
        found = [proof for story in self.stories for proof in self._proofs_of(story)]
        unique = {normal(proof.text): proof for proof in reversed(found)}
        return sorted(unique.values(), key=lambda proof: (not proof.measured, found.index(proof)))

    def _proofs_of(self, story: CaseStudy[EvidenceId]) -> Iterator[Proof]:
        if (text := as_statement(story.headline, story.customer)) and self.shown.english(story.evidence):
            yield self._proof(story, text, story.evidence[:1])
        for result in [result for result in story.results if result.text != story.headline]:
            said = result.text.strip('“”" ')
            again = bool(figures(said) & figures(story.headline))
            fits = (
                len(said.split()) <= CLAIM_WORDS
                and not again
                and not cues.GRUMBLES.search(said)
                and stands_alone(said)
                and has_words(story.customer, said)
                and not _FIRST_PERSON.search(said)
            )
            if (
                fits
                and "“" not in said
                and not re.search(r"\b(?:we|our|us)\b", said, re.IGNORECASE)
                and self.shown.english(result.evidence)
            ):
                yield self._proof(story, sentence(said), result.evidence)

    def _proof(self, story: CaseStudy[EvidenceId], text: str, evidence: tuple[EvidenceId, ...]) -> Proof:
        told = " ".join(
            [text, *(result.text for result in story.results), story.challenge.text if story.challenge else ""]
        )
        return Proof(story.customer, text, evidence, frozenset(cues.needs_of(told)), bool(cues.MEASURED.search(text)))

    @cached_property
    def voices(self) -> list[Voice]:
        found = [voice for point in self.brief.vendor.proof_points if (voice := self._voice(point))]
        return sorted(found, key=lambda voice: -self._praise(voice))

    def _praise(self, voice: Voice) -> int:
        return (
            len(cues.BENEFIT.findall(voice.quote))
            + 2 * has_words(self.vendor, voice.quote)
            + 2 * bool(cues.MEASURED.search(voice.quote))
        )

    def _voice(self, point: ProofPoint[EvidenceId]) -> Voice | None:
        if (
            point.kind != "testimonial"
            or not (point.person and point.role and point.company)
            or self.is_prospect(point.company)
        ):
            return None
        quote = next((said for said in quotable(point.text) if self._is_praise(said)), "")
        if (
            not quote
            or not self.shown.english(point.evidence)
            or not any(has_words(quote, p.text) for i in point.evidence if (p := self.shown.passage(i)))
        ):
            return None
        needs = frozenset(cues.needs_of(point.text))
        return Voice(
            point.person, point.role, point.company, quote, point.evidence, needs, cues.function_of(point.role)
        )

    def _is_praise(self, said: str) -> bool:
        named = has_words(self.vendor, said)
        good = named or cues.BENEFIT.search(said) or cues.MEASURED.search(said)
        clear = stands_alone(said) and (named or not _POINTS_BACK.search(said))
        return bool(good) and not cues.GRUMBLES.search(said) and clear

    @cached_property
    def champion(self) -> ProofPoint[EvidenceId] | None:
        """Someone at the prospect whom the vendor's own pages quote."""
        said = [p for p in self.brief.vendor.proof_points if p.kind == "testimonial" and p.person and p.role]
        return next((p for p in said if p.company and self.is_prospect(p.company)), None)

    @cached_property
    def hooks(self) -> list[Hook]:
        """What the prospect says of itself; what it says of its product only where there is little else."""
        pains = [self._hook(pain.evidence[:1], 4.5 if pain.stated else 2.0) for pain in self.brief.prospect.pain_points]
        told = self.brief.prospect.company_profile.facts
        own = [self._hook(fact.evidence[:1], self._worth(fact)) for fact in told if fact.topic not in _OF_PRODUCTS]
        found = [hook for hook in (*pains, *own) if hook]
        if not any(hook.quote for hook in found):
            made = [fact for fact in told if fact.topic in _OF_PRODUCTS and self._is_of_prospect(fact)]
            products = [self._hook(fact.evidence[:1], self._worth(fact)) for fact in made]
            found += [hook for hook in products if hook]
        unique = {_gist(hook.quote or hook.names): hook for hook in sorted(found, key=lambda hook: hook.worth)}
        return sorted(unique.values(), key=lambda hook: (-hook.worth, found.index(hook)))

    def _is_of_prospect(self, fact: Fact[EvidenceId]) -> bool:
        """Whether an English line about a product speaks of who makes it; copy for its users opens no e-mail."""
        return speaks_of(fact.text, self.prospect) or not self.shown.english(fact.evidence)

    def _worth(self, fact: Fact[EvidenceId]) -> float:
        topic = 2 - _TOPICS.index(fact.topic) * 0.15 if fact.topic in _TOPICS else 0
        return topic + 0.5 * bool(cues.FIGURE.search(fact.text))

    def _hook(self, evidence: tuple[EvidenceId, ...], worth: float) -> Hook | None:
        passage = self.shown.passage(evidence[0]) if evidence else None
        if passage is None or passage.page.kind in _NO_OPENING:
            return None
        page = _PAGES.get(passage.page.kind, "your site")
        needs = frozenset(cues.needs_of(_NAME.sub("", passage.text)))
        if passage.page.language not in {"en", "und"}:
            names = latin_names(passage.text)
            return Hook(page, "", names, evidence, needs, worth) if names else None
        text = without_lead(passage.text.removeprefix("Description: "))
        if not _can_open(text) or self._is_past(text, evidence):
            return None
        fresh = self.shown.freshness(evidence)
        return Hook(page, text, "", evidence, needs, worth + 0.6 * fresh - 3 * (fresh < STALE))

    def _is_past(self, text: str, evidence: tuple[EvidenceId, ...]) -> bool:
        """Whether a line is news no more: over 18 months old, 'soon' long after, a funding round of unknown date."""
        age = self.shown.age_days(evidence)
        if age is not None and not self.shown.is_current(evidence):
            return True
        if _PASSES.search(text) and (age is None or age > PASSING_DAYS):
            return True
        return bool(cues.FACTS["funding"].search(text)) and age is None

    def pains_of(self, persona: BuyerPersona) -> list[PainPoint]:
        """The pains of a persona's job first, the others after them."""
        own = cues.FUNCTION_NEEDS[persona.function]
        return sorted(
            self.brief.prospect.pain_points, key=lambda pain: own.index(pain.need) if pain.need in own else len(own)
        )

    def need(self, rank: int) -> Need:
        """What this persona's copy is about: each persona another need, as far as there are several."""
        taken: list[Need] = []
        for persona in self.personas[: rank + 1]:
            wanted: list[Need] = [
                *(pain.need for pain in self.pains_of(persona) if pain.need in cues.FUNCTION_NEEDS[persona.function]),
                *cues.FUNCTION_NEEDS[persona.function],
            ]
            free: list[Need] = [need for need in wanted if taken.count(need) == 0]
            taken.append((free or wanted)[0])
        return taken[rank]

    def proofs_for(self, rank: int) -> list[Proof]:
        return self._share(
            self.proofs,
            rank,
            lambda proof, need, _: 2 * self._asked(proof.text) + 2 * (need in proof.needs) + proof.measured,
        )

    def voices_for(self, rank: int) -> list[Voice]:
        return self._share(
            self.voices,
            rank,
            lambda voice, need, persona: 3 * (voice.function == persona.function) + (need in voice.needs),
        )

    def hooks_for(self, rank: int) -> list[Hook]:
        """A line that speaks of any need is worth more than one from which nothing follows."""
        return self._share(
            self.hooks, rank, lambda hook, need, _: hook.worth + 0.75 * bool(hook.needs) + 0.75 * (need in hook.needs)
        )

    def _share(self, found: Sequence[T], rank: int, points: Callable[[T, Need, BuyerPersona], float]) -> list[T]:
        """Dealt out like cards: each persona in turn takes what fits best of what is left; the others' follow."""
        if rank >= len(self.personas):
            return list(found)
        left, hands = list(found), [list[T]() for _ in self.personas]
        needs: list[Need] = [self.need(at) for at in range(len(hands))]
        while left:
            for at, persona in enumerate(self.personas[: len(left)]):
                best = max(left, key=lambda item: points(item, needs[at], persona))
                left.remove(best)
                hands[at].append(best)
        return [*hands[rank], *(item for hand in hands[rank + 1 :] + hands[:rank] for item in hand)]

    def offerings_for(self, rank: int) -> list[Offering[EvidenceId]]:
        """What to show this persona: nothing that the prospect's own story speaks of, unless the user asks for it."""
        own = " ".join(self._of_own_story())
        usable = [
            o
            for o in self.brief.vendor.offerings
            if o.kind != "plan"
            and shortest(o.description)
            and self.shown.english(o.evidence)
            and (not _speaks_of(own, o.name) or self._asked(o.name))
        ]
        short = [o for o in usable if len(o.name.split()) <= 3 and not has_words(self.vendor, o.name)]

        def points(offering: Offering[EvidenceId], need: Need, _: BuyerPersona) -> float:
            told = f"{offering.name} {offering.description}"
            return 2 * self._asked(told) + (need in cues.needs_of(told))

        return self._share(short or usable, rank, points)

    def _asked(self, text: str) -> int:
        """How many of the words with which the user described the deal are in a text."""
        wanted = {word.casefold() for word in re.findall(r"\w+", self.brief.context)}
        return len(
            ({word for word in wanted if len(word) > 3} - cues.FILLERS) & set(re.findall(r"\w+", text.casefold()))
        )

    @property
    def product_names(self) -> list[Offering[EvidenceId]]:
        """Offerings with names that an English e-mail can say, whatever the language of their page."""
        named = [o for o in self.brief.vendor.offerings if o.kind != "plan" and len(o.name.split()) <= 3]
        return [o for o in named if o.name.isascii() and o.name[:1].isupper()]

    def _of_own_story(self) -> Iterator[str]:
        """What is known of the page that tells the prospect's story."""
        found = [p for i in (self.own_story.evidence if self.own_story else ()) if (p := self.shown.passage(i))]
        pages = {passage.page.url for passage in found}
        return (passage.text for passage in self.shown.passages if passage.page.url in pages)


def _speaks_of(told: str, name: str) -> bool:
    """Whether a text names a product, in singular or plural."""
    return has_words(name, told) or has_words(name.removesuffix("s"), told)


def _can_open(text: str) -> bool:
    """Whether a line is plain, clear by itself, and no name or founding date alone."""
    return (
        _long_enough(text)
        and len(text.split()) <= QUOTED_WORDS
        and stands_alone(text)
        and not cues.FOUNDING.search(text)
        and not is_person(text.split(", ", maxsplit=1)[0])
        and not re.search(r"[“”\"|?]|\bhttps?:|Logos:| — .* — |\s[,.;]|\byour?\b", text)
    )


def _long_enough(text: str) -> bool:
    """A line to open with: five words, or a label with a figure of weight, '35,000+ databases launched daily'."""
    return len(text.split()) >= (3 if re.search(r"\d{2,}", text) else 5)


def _gist(text: str) -> str:
    """By which two lines are seen to say the same."""
    return " ".join(normal(text).split()[:5])
