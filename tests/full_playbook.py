"""The sample playbook, extended to the size of a playbook that a good model writes about two large sites."""

from __future__ import annotations

from itertools import count
from typing import Any

from playbooks import fact, guess, sample_playbook

from octave_mcp.domain.evidence import Claim, EvidenceId
from octave_mcp.domain.findings import CompanyIntegration, CompanyPerson, CompanyTrigger
from octave_mcp.domain.playbook import EmailSequence, Playbook, TalkTrack, Touch
from octave_mcp.domain.prospect import CompanyProfile, Fact, Signal
from octave_mcp.domain.vendor import CaseStudy, Offering, ReferenceCustomer, UseCase, ValueProposition

# The additional claims cite this number of additional quotations in turn.
EXTRA_QUOTATIONS = 60
_QUOTE = (
    "In our portal, {} customers now see the price of a shipment before they have to enter an address, and they tell "
    "us that this is the first time they understand it."
)
_CLAIM = "Customers see the price of shipment {} before they enter an address."


def full_playbook() -> Playbook:
    sample = sample_playbook()
    assert sample.brief
    updates = {
        "brief": sample.brief.model_copy(update=_brief(sample)),
        "evidence": {**sample.evidence, **_evidence(sample)},
        "triggers": _triggers(sample),
        "people": _people(sample),
        "integrations": _integrations(),
        "email_sequences": tuple(_longer(sequence) for sequence in sample.email_sequences),
        "talk_tracks": tuple(_longer_track(track) for track in sample.talk_tracks),
        "priority_personas": tuple(
            persona.model_copy(update={field: _facts(3) for field in ("goals", "pains", "talking_points")})
            for persona in sample.priority_personas
        ),
        "vendor_elements": sample.vendor_elements.model_copy(update=_elements()),
        "prospect_intelligence": sample.prospect_intelligence.model_copy(
            update={"company_profile": _profile(sample), "signals": _signals()}
        ),
        "pages": sample.pages * 4,
        "gaps": sample.gaps * 2,
        "flags": sample.flags[5:],
    }
    return sample.model_copy(update=updates)


def _brief(sample: Playbook) -> dict[str, Any]:
    assert sample.brief
    return {
        "why_now": fact(
            "Kestrel wants 80% of its bookings made in the portal without a call by the end of 2027, and its portal "
            "now shows a price before it asks for an address.",
            "x_0",
        ),
        "means": fact(
            "Half of the bookings have to move out of the phone within a year, and nobody measures yet where "
            "customers give up.",
            "p_goal",
            "p_today",
        ),
        "first_line": "You want 80% of bookings in the portal by the end of 2027. Today your own newsroom says that "
        "half of them still end up on the telephone.",
        "warnings": (
            *sample.brief.warnings,
            "The proof is two years old: say when it was.",
            "Do not link to the page on pricing: it holds placeholder text.",
        ),
    }


def _evidence(sample: Playbook) -> dict[EvidenceId, Any]:
    """Return invented quotations and attribute them to the pages of the sample.

    The pages don't contain these quotations, so no test compares the quotations with the pages.
    """
    template = sample.evidence["p_goal"]
    cited = list(sample.evidence.values())
    sources = ((f"x_{number}", cited[number % len(cited)]) for number in range(EXTRA_QUOTATIONS))
    return {
        id_: template.model_copy(
            update={"id": id_, "quote": _QUOTE.format(number), "url": source.url, "page_title": source.page_title}
        )
        for number, (id_, source) in enumerate(sources)
    }


def _ids() -> Any:  # noqa: ANN401 - an endless iterator of identifiers
    return (f"x_{number % EXTRA_QUOTATIONS}" for number in count())


def _facts(number: int) -> tuple[Any, ...]:
    """Return facts about the prospect, and mark the last fact as a guess."""
    ids = _ids()
    facts = [fact(_CLAIM.format(at), next(ids)) for at in range(number - 1)]
    return (*facts, guess("The price may still come too late for those who book by phone.", "p_today"))


def _triggers(sample: Playbook) -> tuple[CompanyTrigger, ...]:
    opening, *_ = sample.triggers
    meant = (opening.model_copy(update={"what": f"{opening.what} {number}"}) for number in range(6))
    plain = (
        opening.model_copy(update={"what": _CLAIM.format(number), "means": None, "evidence": (f"x_{number}",)})
        for number in range(30)
    )
    return (*sample.triggers, *meant, *plain)


def _people(sample: Playbook) -> tuple[CompanyPerson, ...]:
    marit, *others = sample.people
    named = (
        marit.model_copy(update={"name": f"Person Number {number}", "evidence": (f"x_{number}",)})
        for number in range(20)
    )
    return (marit, *named, *others)


def _integrations() -> tuple[CompanyIntegration, ...]:
    return tuple(
        CompanyIntegration(
            company="vendor" if number % 3 else "prospect",
            name=f"Tool {number}",
            relation="sells" if number % 3 else "uses",
            evidence=(f"x_{number}",),
        )
        for number in range(30)
    )


def _longer(sequence: EmailSequence) -> EmailSequence:
    return sequence.model_copy(update={"touches": tuple(map(_longer_touch, sequence.touches))})


_MIDDLE = "Their team watched one funnel for a week, and moved the customs papers to the end of the booking."


def _longer_touch(touch: Touch) -> Touch:
    *start, ask, signature = touch.body.split("\n\n")
    return touch.model_copy(update={"body": "\n\n".join((*start, _MIDDLE, ask, signature))})


def _longer_track(track: TalkTrack) -> TalkTrack:
    return track.model_copy(update={"discovery": (*track.discovery, *track.discovery[:2])})


def _elements() -> dict[str, tuple[Any, ...]]:
    ids = _ids()

    def claim(number: int) -> Claim[EvidenceId]:
        return Claim[EvidenceId](text=_CLAIM.format(number), evidence=(next(ids),))

    return {
        "offerings": tuple(
            Offering[EvidenceId](
                name=f"Product {n}", kind="product", description=_CLAIM.format(n), pricing=(), evidence=(next(ids),)
            )
            for n in range(10)
        ),
        "case_studies": tuple(
            CaseStudy[EvidenceId](
                customer=f"Customer {n}",
                headline=f"How customer {n} found the step where bookings die",
                industry="logistics",
                challenge=claim(n),
                solution=claim(n + 1),
                results=(claim(n + 2),),
                evidence=(next(ids),),
            )
            for n in range(10)
        ),
        "value_propositions": tuple(
            ValueProposition[EvidenceId](title=f"Value number {n}", text=_CLAIM.format(n), evidence=(next(ids),))
            for n in range(8)
        ),
        "reference_customers": tuple(
            ReferenceCustomer[EvidenceId](name=f"Reference {n}", shown_as="logo", industry=None, evidence=(next(ids),))
            for n in range(30)
        ),
        "use_cases": tuple(
            UseCase[EvidenceId](title=f"Use case number {n}", text=_CLAIM.format(n), evidence=(next(ids),))
            for n in range(8)
        ),
    }


def _profile(sample: Playbook) -> CompanyProfile[EvidenceId]:
    profile = sample.prospect_intelligence.company_profile
    facts = (
        Fact[EvidenceId](topic="offering", text=_CLAIM.format(number), evidence=(f"x_{number}",))
        for number in range(16)
    )
    return profile.model_copy(update={"facts": (*profile.facts, *facts)})


def _signals() -> tuple[Signal[EvidenceId], ...]:
    return tuple(
        Signal[EvidenceId](need="conversion", text=_CLAIM.format(number), stated=True, evidence=(f"x_{number}",))
        for number in range(20)
    )
