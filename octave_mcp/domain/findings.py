"""What the pages of both companies are read for: what happened there, who is named, and which tools and partners."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, Literal, Self

from octave_mcp.domain.company import Role
from octave_mcp.domain.evidence import C, Collected, EvidenceId, Finding
from octave_mcp.domain.names import name_key, normal
from octave_mcp.domain.sentence import Sentence
from octave_mcp.domain.value import Value

TriggerKind = Literal[
    "launch",
    "acquisition",
    "funding",
    "hire",
    "job_opening",
    "campaign",
    "price_change",
    "event",
    "regulation",
]

# Where a page names a person: a testimonial is signed by somebody else's employee.
Whereabouts = Literal["leadership", "team", "author", "speaker", "testimonial"]

# `uses`: the company runs on it; `sells`: it offers an integration with it; `customer_uses`: a customer of it does.
Relation = Literal["uses", "sells", "customer_uses", "partner", "certificate"]

# What a company has to do with a tool, a partner or a certificate: the sentence begins with the company.
RELATIONS: dict[Relation, str] = {
    "uses": "uses it",
    "sells": "offers an integration with it",
    "customer_uses": "has a customer who uses it",
    "partner": "has it as a partner",
    "certificate": "is certified",
}

UNDATED = "undated"


class Trigger(Collected[C], Generic[C]):
    """Something that happened at the company, or is about to. `date` is as the page writes it, None if it does not."""

    unchecked = ("date",)

    kind: TriggerKind
    what: str
    date: str | None

    def merge_key(self) -> Hashable:
        return self.kind, normal(self.what)


class NamedPerson(Collected[C], Generic[C]):
    """A person whom the company's pages name; `employer` is None for its own people."""

    names = ("name", "employer")

    name: str
    title: str | None
    where: Whereabouts
    employer: str | None

    def merge_key(self) -> Hashable:
        return normal(self.name), name_key(self.employer or "")

    @property
    def rank(self) -> int:
        """Leaders come first, and a full title comes before 'Founder' alone."""
        is_bare = self.title is None or normal(self.title) in {"founder", "co-founder"}
        return 2 * ("leadership", "team", "speaker", "author", "testimonial").index(self.where) + is_bare


class Integration(Collected[C], Generic[C]):
    """A tool, a partner or a certificate that the company's pages name."""

    names = ("name",)

    name: str
    relation: Relation

    def merge_key(self) -> Hashable:
        return name_key(self.name), self.relation


class CompanyFindings(Value, Generic[C]):
    """A list for each kind. Its name is also that of the prompt file, and of the section of the playbook."""

    triggers: tuple[Trigger[C], ...]
    people: tuple[NamedPerson[C], ...]
    integrations: tuple[Integration[C], ...]

    @classmethod
    def none(cls) -> Self:
        return cls.model_validate(dict.fromkeys(cls.model_fields, ()))


class CompanyTrigger(Finding[EvidenceId]):
    """A trigger as the playbook lists it. `date` is '2024-03-12', '2024-03', '2024' or 'undated', as the page says.

    `means` says what it means for the deal; None if nobody said so.
    """

    company: Role
    kind: TriggerKind
    what: str
    date: str
    means: Sentence[EvidenceId] | None = None


class CompanyPerson(Finding[EvidenceId]):
    """A person whom a page of the company names. `date` is that of the page: '2024-03-12', or 'undated'."""

    company: Role
    name: str
    title: str | None
    where: Whereabouts
    employer: str | None
    date: str


class CompanyIntegration(Finding[EvidenceId]):
    """A tool, a partner or a certificate that a page of the company names."""

    company: Role
    name: str
    relation: Relation


class DealFindings(Value):
    """The findings of both companies, in the order to read them. The sections of the playbook have the same names."""

    triggers: tuple[CompanyTrigger, ...] = ()
    people: tuple[CompanyPerson, ...] = ()
    integrations: tuple[CompanyIntegration, ...] = ()
