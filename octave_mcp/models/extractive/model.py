"""A model that answers by fixed rules, without a language model or network access."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.asks import (
    A,
    AddressesAnswer,
    Answer,
    Ask,
    Capacity,
    HomepageAnswer,
    Judgement,
    ReadingBrief,
    UnderstandingBrief,
    Usage,
    WritingBrief,
)
from octave_mcp.domain.cards import CompetitivePositioning, ObjectionHandling, WhyWeWin
from octave_mcp.domain.choices import MODELS, choice
from octave_mcp.domain.company import ROLES
from octave_mcp.domain.estimate import Estimate
from octave_mcp.domain.evidence import Cite, Claim
from octave_mcp.domain.playbook import (
    DealDraft,
    PersonaDraft,
    PersonaDrafts,
    SequenceDraft,
    SummaryDraft,
    TalkTrackDraft,
)
from octave_mcp.domain.prospect import Fact, ProspectAnswer, Understanding
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import READ_KINDS
from octave_mcp.errors import BadAnswer
from octave_mcp.evidence.figures import has_words
from octave_mcp.models.extractive import (
    audience,
    cards,
    customers,
    promises,
    prospects,
    rivals,
    selling,
    stories,
    use_cases,
)
from octave_mcp.models.extractive.certain import certain
from octave_mcp.models.extractive.claims import claim
from octave_mcp.models.extractive.dossier import sequence, summary, talk_track
from octave_mcp.models.extractive.material import Material
from octave_mcp.models.extractive.passages import Passages
from octave_mcp.models.extractive.people import people
from octave_mcp.models.extractive.products_and_customers import sold
from octave_mcp.models.extractive.stack import integrations
from octave_mcp.models.extractive.triggers import openings, triggers
from octave_mcp.models.extractive.typed_lines import Line, ReadPage, read
from octave_mcp.models.extractive.understanding import understanding

T = TypeVar("T")

_NAME_LABELS = ("Site name", "Organization")
_ADDRESS = re.compile(r"[\w.+-]@[\w-]+\.\w|https?://|\bwww\.", re.IGNORECASE)


class Extractive:
    """A model that builds answers from the passages of the ask.

    The model is deterministic: equal asks get equal answers.
    """

    name = identity = "extractive"
    languages: frozenset[str] | None = frozenset({"en"})
    # With one ask for the deal and one for the personas, the material for the outlines is collected only twice.
    capacity = Capacity(
        writes_together=True, is_paid=False, ranks_addresses=False, caches_research=False, writes_copy=False,
        verifies=False,
    )  # fmt: skip

    def estimate(self, max_pages: int) -> Estimate:  # noqa: ARG002 - part of the Model port
        tested = choice(MODELS, self.name, "model").tested
        return Estimate(asks=0, input_tokens=0, output_tokens=0, usd=0.0, tested=tested)

    def estimate_verification(self, max_pages: int) -> Estimate:  # noqa: ARG002 - part of the Model port
        return Estimate(asks=0, input_tokens=0, output_tokens=0, usd=0.0)

    def check(self) -> None:
        """Do nothing: the rules need no setup."""

    def prepare(self) -> None:
        """Do nothing: the rules are always ready."""

    async def answer(self, ask: Ask[A, Any]) -> Answer[A]:
        value = await computed(_filled, ask)
        return Answer[A](value=ask.answer.model_validate(value), usage=Usage())

    async def announce(self, ask: Ask[Any, Any]) -> None:
        """Do nothing: this model does not have to know about asks in advance."""

    async def has_answered(self, ask: Ask[Any, Any]) -> bool:  # noqa: ARG002 - part of the Model port
        return False

    async def record_verdict(self, key: str, verdict: Judgement) -> None:
        """Do nothing: answers are not cached."""

    async def close(self) -> None:
        """Do nothing: no connection is open."""


def _filled(ask: Ask[A, Any]) -> Value:
    """Return an answer to the ask, which can ask for some fields of a longer answer.

    Raises:
        BadAnswer: If no rules exist for this type of answer.
    """
    form, fields = ask.answer, ask.answer.model_fields.keys()
    if form in _ANSWERS:
        return _ANSWERS[form](ask)
    if fields <= READ_KINDS.keys() and ROLES[ask.brief.role].reads == "elements":
        return _vendor_elements(ask)
    if fields <= PersonaDrafts.model_fields.keys():
        return _personas(ask)
    whole = next((_ANSWERS[each] for each in _ANSWERS if fields <= each.model_fields.keys()), None)
    if whole is None:
        raise BadAnswer(f"the extractive model has no rules for an answer of type {form.__name__!r}")
    answer = whole(ask)
    return form.model_validate({name: getattr(answer, name) for name in fields})


def _homepage(ask: Ask[HomepageAnswer[Cite], ReadingBrief]) -> HomepageAnswer[Cite]:
    """Return the company's name from the metadata or title, and a summary from the description or first sentence."""
    pages = read(ask.passages)
    # Go in reverse order, so that the first line with a label overwrites later lines with the same label.
    head = {line.label: line for page in reversed(pages) for line in reversed(page.head)}
    name = next((claim(head[label]) for label in _NAME_LABELS if label in head), None)
    if name is None and "Title" in head:
        name = _name_in_title(head["Title"], [line for page in pages for line in page.lines], ask.brief.domain)
    summary = head.get("Description") or _first_sentence(pages, name.text if name else "")
    return HomepageAnswer[Cite](name=name, summary=claim(summary) if summary else None)


def _first_sentence(pages: Sequence[ReadPage], name: str) -> Line | None:
    """Return the first sentence that starts with the company's name."""
    lines = (line for page in pages for line in page.prose if line.is_whole)
    return next((line for line in lines if name and line.text.startswith(f"{name} ")), None)


def _name_in_title(title: Line, lines: Sequence[Line], domain: str) -> Claim[Cite] | None:
    """Return the company's name from the title.

    Prefer a part of the title that matches the domain, then a short part that also occurs on the page. If no part
    qualifies, return the whole title if it is short.
    """
    parts = [part.strip() for part in re.split(r"\s+[-|–—·]\s+|:\s+", title.text)]
    label = re.sub(r"[^a-z0-9]", "", domain.split(".", maxsplit=1)[0])
    short = [part for part in parts if 1 <= len(part.split()) <= 4]
    domain_like = [part for part in short if re.sub(r"[^a-z0-9]", "", part.casefold()) == label]
    repeated = [part for part in short if any(has_words(part, line.text) for line in lines)]
    name = next(iter((*domain_like, *repeated, *(short if len(parts) == 1 else ()))), None)
    return Claim[Cite](text=name, evidence=(title.cite,)) if name else None


def _vendor_elements(ask: Ask[Any, ReadingBrief]) -> Value:
    """Return all elements of the requested kinds. Their number is not limited, because rules use no tokens."""
    pages, vendor = read(ask.passages), ask.brief.company
    elements = {
        kind: tuple(item for item in _ELEMENTS.get(kind, _no_elements)(pages, vendor) if not _has_address(item))
        for kind in ask.answer.model_fields
    }
    return ask.answer.model_validate(elements)


def _has_address(element: Value) -> bool:
    """Whether the element contains a URL or an e-mail address.

    The caller leaves out such elements, because the evidence checks reject addresses that are not on the cited site.
    """
    return bool(_ADDRESS.search(element.model_dump_json()))


def _no_elements(_: Sequence[ReadPage], __: str) -> Iterable[Value]:
    return ()


_ELEMENTS: dict[str, Callable[[Sequence[ReadPage], str], Iterable[Value]]] = {
    "offerings": selling.offerings,
    "case_studies": stories.case_studies,
    "proof_points": customers.proof_points,
    "value_propositions": promises.value_propositions,
    "reference_customers": customers.reference_customers,
    "use_cases": use_cases.use_cases,
    "target_personas": audience.target_personas,
    "differentiators": rivals.differentiators,
    "triggers": lambda pages, vendor: (*triggers(pages, vendor), *openings(pages, vendor)),
    "people": people,
    "integrations": integrations,
}


def _prospect(ask: Ask[ProspectAnswer[Cite], ReadingBrief]) -> ProspectAnswer[Cite]:
    pages, company = read(ask.passages), ask.brief.company
    return ProspectAnswer[Cite](
        facts=(*prospects.bought_by(pages, company, ask.brief.counterpart), *_facts(pages, company)),
        signals=tuple(prospects.signals(pages, company)),
        jobs=tuple(prospects.jobs(pages)),
        triggers=tuple(triggers(pages, company)),
        people=tuple(people(pages, company)),
        integrations=tuple(integrations(pages, company)),
    )


def _facts(pages: Sequence[ReadPage], company: str) -> Iterable[Fact[Cite]]:
    """Return at most one fact per sentence. A fact about an offer includes the offer's title."""
    sold_facts = {(fact.topic, fact.text): fact for fact in sold(pages, company)}.values()
    cited = dict.fromkeys(cite for fact in sold_facts for cite in fact.evidence)
    # If `sold` already made a fact from a sentence, do not make another fact from it.
    others = (fact for fact in prospects.facts(pages, company) if fact.evidence[0] not in cited)
    checked = certain((*sold_facts, *others), pages, company)
    return {(fact.topic, fact.text): fact for fact in checked}.values()


def _understanding(ask: Ask[Understanding[Cite], UnderstandingBrief]) -> Understanding[Cite]:
    return understanding(ask.brief, Passages(ask.passages))


def _material(ask: Ask[Any, WritingBrief]) -> Material:
    return Material(ask.brief, Passages(ask.passages))


def _deal(material: Material) -> DealDraft[Cite]:
    return DealDraft[Cite](
        summary=summary(material),
        why_we_win=cards.why_we_win(material),
        objection_handling=cards.objection_handling(material),
        competitive_positioning=cards.competitive_positioning(material),
    )


def _personas(ask: Ask[Any, WritingBrief]) -> Value:
    material, ranks = _material(ask), {name: at for at, name in enumerate(PersonaDrafts.model_fields)}
    return ask.answer.model_validate(
        {
            name: PersonaDraft[Cite](
                sequence=sequence(material, ranks[name]), talk_track=talk_track(material, ranks[name])
            )
            for name in ask.answer.model_fields
        }
    )


_ANSWERS: dict[type[Value], Callable[[Any], Value]] = {
    AddressesAnswer: lambda _: AddressesAnswer(chosen=()),
    HomepageAnswer[Cite]: _homepage,
    ProspectAnswer[Cite]: _prospect,
    Understanding[Cite]: _understanding,
    SummaryDraft[Cite]: lambda ask: summary(_material(ask)),
    SequenceDraft[Cite]: lambda ask: sequence(_material(ask), ask.brief.rank),
    TalkTrackDraft[Cite]: lambda ask: talk_track(_material(ask), ask.brief.rank),
    WhyWeWin[Cite]: lambda ask: cards.why_we_win(_material(ask)),
    ObjectionHandling[Cite]: lambda ask: cards.objection_handling(_material(ask)),
    CompetitivePositioning[Cite]: lambda ask: cards.competitive_positioning(_material(ask)),
    DealDraft[Cite]: lambda ask: _deal(_material(ask)),
}
