"""Findings collected for both companies: triggers, named people, and integrations."""

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

# Where a page names a person. In a testimonial, the person works for another company.
Whereabouts = Literal["leadership", "team", "author", "speaker", "testimonial"]

Relation = Literal["uses", "sells", "customer_uses", "partner", "certificate"]

# Predicates for sentences whose subject is the company: 'Acme offers an integration with it'.
RELATIONS: dict[Relation, str] = {
    "uses": "uses it",
    "sells": "offers an integration with it",
    "customer_uses": "has a customer who uses it",
    "partner": "has it as a partner",
    "certificate": "is certified",
}

UNDATED = "undated"


class Trigger(Collected[C], Generic[C]):
    """Something that happened or will happen at the company.

    `date` is copied from the page; None if the page gives no date.
    """

    unchecked = ("date",)

    kind: TriggerKind
    what: str
    date: str | None

    def merge_key(self) -> Hashable:
        return self.kind, normal(self.what)


class NamedPerson(Collected[C], Generic[C]):
    """A person named on the company's pages. `employer` is None for the company's own employees."""

    names = ("name", "employer")

    name: str
    title: str | None
    where: Whereabouts
    employer: str | None

    def merge_key(self) -> Hashable:
        return normal(self.name), name_key(self.employer or "")

    @property
    def rank(self) -> int:
        """Sort key.

        Leaders come first. Among people with the same `where`, those with a full title come before those with no title
        or only the title 'Founder'.
        """
        is_bare = self.title is None or normal(self.title) in {"founder", "co-founder"}
        return 2 * ("leadership", "team", "speaker", "author", "testimonial").index(self.where) + is_bare


class Integration(Collected[C], Generic[C]):
    """A tool, partner or certificate named on the company's pages."""

    names = ("name",)

    name: str
    relation: Relation

    def merge_key(self) -> Hashable:
        return name_key(self.name), self.relation


class CompanyFindings(Value, Generic[C]):
    """Findings by kind. Each field has the same name as its prompt file and its section of the playbook."""

    triggers: tuple[Trigger[C], ...]
    people: tuple[NamedPerson[C], ...]
    integrations: tuple[Integration[C], ...]

    @classmethod
    def none(cls) -> Self:
        return cls.model_validate(dict.fromkeys(cls.model_fields, ()))


class CompanyTrigger(Finding[EvidenceId]):
    """A trigger in a playbook.

    `date` is as precise as the date on the page: '2024-03-12', '2024-03', '2024' or 'undated'. `means` says why the
    trigger matters for the deal; None if the model did not say.
    """

    company: Role
    kind: TriggerKind
    what: str
    date: str
    means: Sentence[EvidenceId] | None = None


class CompanyPerson(Finding[EvidenceId]):
    """A person in a playbook. `date` is the date of the page: '2024-03-12' or 'undated'."""

    company: Role
    name: str
    title: str | None
    where: Whereabouts
    employer: str | None
    date: str


class CompanyIntegration(Finding[EvidenceId]):
    """A tool, partner or certificate in a playbook."""

    company: Role
    name: str
    relation: Relation


class DealFindings(Value):
    """Findings about both companies, most important first. Each field is also a section of the playbook."""

    triggers: tuple[CompanyTrigger, ...] = ()
    people: tuple[CompanyPerson, ...] = ()
    integrations: tuple[CompanyIntegration, ...] = ()
