"""Findings about the prospect: facts, signals of need, pain points and buyer personas."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, Literal, Self

from octave_mcp.domain.evidence import C, Claim, Collected, EvidenceId, Finding
from octave_mcp.domain.findings import CompanyFindings
from octave_mcp.domain.names import normal
from octave_mcp.domain.value import Value

FactTopic = Literal[
    "business",
    "offering",
    "customers",
    "scale",
    "funding",
    "team",
    "hiring",
    "technology",
    "initiative",
    "compliance",
    "location",
    "pricing",
    "history",
]

# Topics of the prospect's needs. The extractive model finds the same topics in the vendor's proof, so that it can match
# each need with proof on the same topic.
Need = Literal[
    "growth",
    "conversion",
    "insight",
    "speed",
    "cost",
    "scale",
    "reliability",
    "security",
    "control",
    "integration",
    "adoption",
    "support",
    "hiring",
    "automation",
    "quality",
]

# Maximum number of personas for whom e-mails and talk tracks are written. If this number changes, change the fields of
# `PersonaDrafts`, too.
MAX_PERSONAS = 3

Confidence = Literal["high", "medium", "low"]

JobFunction = Literal[
    "engineering",
    "product",
    "marketing",
    "data",
    "design",
    "operations",
    "sales",
    "support",
    "security",
    "finance",
    "leadership",
]


class Fact(Collected[C], Generic[C]):
    """A fact about the prospect from the prospect's own site."""

    topic: FactTopic
    text: str

    def merge_key(self) -> Hashable:
        return self.topic, normal(self.text)


class Signal(Collected[C], Generic[C]):
    """A sentence on the prospect's pages that shows a need.

    `stated`: true if the sentence states the need, false if the need is inferred.
    """

    need: Need
    text: str
    stated: bool

    def merge_key(self) -> Hashable:
        return normal(self.text)


class Job(Collected[C], Generic[C]):
    """An open position at the prospect."""

    title: str
    function: JobFunction

    def merge_key(self) -> Hashable:
        return normal(self.title)


class ProspectFindings(Value, Generic[C]):
    """Findings from the prospect's pages."""

    facts: tuple[Fact[C], ...]
    signals: tuple[Signal[C], ...]
    jobs: tuple[Job[C], ...]


class ProspectAnswer(ProspectFindings[C], CompanyFindings[C], Generic[C]):
    """A model's answer about one pack of the prospect's pages."""


# The prompt file for each kind of finding on a prospect's pages.
SIGNAL_KINDS: dict[str, str] = {
    **dict.fromkeys(ProspectFindings.model_fields, "prospect/company_profile"),
    **{kind: f"company/{kind}" for kind in CompanyFindings.model_fields},
}


class CompanyProfile(Value, Generic[C]):
    summary: Claim[C] | None
    facts: tuple[Fact[C], ...]


class Pain(Finding[C], Generic[C]):
    """A need of the prospect. The text of an inferred need (`stated` is false) says what the need is inferred from."""

    need: Need
    title: str
    text: str
    stated: bool


class Buyer(Finding[C], Generic[C]):
    """A role at the prospect that has an interest in the offer.

    `title` is a job title; `contact` is the person in this role, if a page names the person.
    """

    title: str
    contact: str | None
    function: JobFunction
    why_they_care: str
    inferred: bool


class Understanding(Value, Generic[C]):
    """A model's conclusions from the findings about the prospect. Our code adds ids and confidence."""

    summary: Claim[C] | None
    pains: tuple[Pain[C], ...]
    buyers: tuple[Buyer[C], ...]


class PainPoint(Pain[EvidenceId]):
    """A pain point in a playbook.

    `confidence` depends on the amount, independence, age and kind of the evidence.
    """

    id: str
    confidence: Confidence


class BuyerPersona(Buyer[EvidenceId]):
    id: str


class ProspectIntelligence(Value):
    """What is known about the prospect. The pain points were derived from the sentences in `signals`."""

    company_profile: CompanyProfile[EvidenceId]
    # Empty in playbooks that were stored before this field was added.
    signals: tuple[Signal[EvidenceId], ...] = ()
    pain_points: tuple[PainPoint, ...]
    buyer_personas: tuple[BuyerPersona, ...]

    @classmethod
    def none(cls) -> Self:
        return cls(
            company_profile=CompanyProfile[EvidenceId](summary=None, facts=()), pain_points=(), buyer_personas=()
        )
