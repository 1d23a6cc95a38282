"""What is known of the prospect: facts, signals of need, and who there would care."""

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

# What a company may need, and what a proof may show: where the two meet, a vendor is worth a prospect's time.
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

# For whom copy is written.
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
    """Something the prospect's own site says of it."""

    topic: FactTopic
    text: str

    def merge_key(self) -> Hashable:
        return self.topic, normal(self.text)


class Signal(Collected[C], Generic[C]):
    """A sentence of the prospect's that shows a need; `stated` where it says so itself, else inferred from it."""

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


class ProspectReading(Value, Generic[C]):
    """What the prospect's pages say of it."""

    facts: tuple[Fact[C], ...]
    signals: tuple[Signal[C], ...]
    jobs: tuple[Job[C], ...]


class ProspectAnswer(ProspectReading[C], CompanyFindings[C], Generic[C]):
    """What one pack of the prospect's pages says."""


class CompanyProfile(Value, Generic[C]):
    summary: Claim[C] | None
    facts: tuple[Fact[C], ...]


class Pain(Finding[C], Generic[C]):
    """A need the prospect has, or may have. An inferred one names what it is inferred from."""

    need: Need
    title: str
    text: str
    stated: bool


class Buyer(Finding[C], Generic[C]):
    """A role at the prospect that would care. `title` is a job; `contact` is who holds it, if the site says."""

    title: str
    contact: str | None
    function: JobFunction
    why_they_care: str
    inferred: bool


class Understanding(Value, Generic[C]):
    """What a model makes of the prospect's readings; ids and confidence are ours to add."""

    summary: Claim[C] | None
    pains: tuple[Pain[C], ...]
    buyers: tuple[Buyer[C], ...]


class PainPoint(Pain[EvidenceId]):
    """`confidence` is computed from the evidence: its number, independence, age and kind."""

    id: str
    confidence: Confidence


class BuyerPersona(Buyer[EvidenceId]):
    id: str


class ProspectIntelligence(Value):
    """`signals` are what the pain points were worked out from; playbooks from before they were kept have none."""

    company_profile: CompanyProfile[EvidenceId]
    signals: tuple[Signal[EvidenceId], ...] = ()
    pain_points: tuple[PainPoint, ...]
    buyer_personas: tuple[BuyerPersona, ...]

    @classmethod
    def none(cls) -> Self:
        return cls(
            company_profile=CompanyProfile[EvidenceId](summary=None, facts=()), pain_points=(), buyer_personas=()
        )
