"""Vendor elements, such as offerings and case studies.

Each kind of element has a class, a field in `VendorElements`, and a prompt file with the same name as the field.
Code that is specific to one kind is in its class. The code for checks, merging, gaps, exports and counts is the same
for all kinds.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, Self, get_args

from octave_mcp.domain.evidence import C, Claim, Collected, Finding, Support
from octave_mcp.domain.findings import CompanyFindings
from octave_mcp.domain.names import name_key, normal
from octave_mcp.domain.value import Value


@dataclass(frozen=True, slots=True)
class Part(Generic[C]):
    """A labelled claim within an element."""

    label: str
    text: str
    evidence: tuple[C, ...]
    support: Support | None = None


@dataclass(frozen=True, slots=True)
class Entry(Generic[C]):
    """An element in the form that all exports use. If `text` is empty, the evidence supports the title.

    `tags` have one or two words each. `said_by` is a person with their job and company. `is_against_us` marks elements
    that favour a competitor.
    """

    evidence: tuple[C, ...]
    title: str = ""
    text: str = ""
    tags: tuple[str, ...] = ()
    said_by: str = ""
    parts: tuple[Part[C], ...] = ()
    is_against_us: bool = False


class Element(Collected[C], Generic[C]):
    """Base class of all kinds of elements.

    `would_fill` says which pages would fill the gap if no element of the kind was found.
    """

    would_fill: ClassVar[str]

    @abstractmethod
    def entry(self) -> Entry[C]: ...


def _part(label: str, claim: Claim[C]) -> Part[C]:
    return Part(label, claim.text, claim.evidence, claim.support)


class Price(Finding[C], Generic[C]):
    """The price or contents of a plan, in the words of the page."""

    plan: str
    terms: str


class Offering(Element[C], Generic[C]):
    """A product, plan or service that the vendor sells."""

    would_fill = "product pages"

    name: str
    kind: Literal["product", "plan", "service"]
    description: str
    pricing: tuple[Price[C], ...]

    def merge_key(self) -> Hashable:
        return normal(self.name).removesuffix("s")

    def entry(self) -> Entry[C]:
        prices = tuple(Part(price.plan, price.terms, price.evidence, price.support) for price in self.pricing)
        return Entry(self.evidence, title=self.name, text=self.description, tags=(self.kind,), parts=prices)


class CaseStudy(Element[C], Generic[C]):
    """The story of one customer.

    `headline` is copied from the page. If the page says nothing about a field, the field is None.
    """

    would_fill = "customer stories"
    names = ("customer",)
    named_in_evidence: ClassVar = {"results": "customer"}

    customer: str
    headline: str
    industry: str | None
    challenge: Claim[C] | None
    solution: Claim[C] | None
    results: tuple[Claim[C], ...]

    def merge_key(self) -> Hashable:
        return name_key(self.customer)

    def entry(self) -> Entry[C]:
        return Entry(
            self.evidence,
            title=self.customer,
            text=self.headline,
            tags=(self.industry,) if self.industry else (),
            parts=(
                *((_part("Challenge", self.challenge),) if self.challenge else ()),
                *((_part("Solution", self.solution),) if self.solution else ()),
                *(_part("Result", result) for result in self.results),
            ),
        )


class ProofPoint(Element[C], Generic[C]):
    """A testimonial by a named person, or a figure, award or certificate of the vendor."""

    would_fill = "testimonials by named people, or the vendor's own figures"
    names = ("person", "company")

    kind: Literal["testimonial", "metric", "award", "certification"]
    text: str
    person: str | None
    role: str | None
    company: str | None

    def merge_key(self) -> Hashable:
        return self.kind, normal(self.text)[:60]

    def entry(self) -> Entry[C]:
        who = ", ".join(filter(None, (self.person, self.role, self.company)))
        is_said = self.person or self.company
        return Entry(self.evidence, text=self.text, tags=(self.kind.capitalize(),), said_by=who if is_said else "")


class Titled(Element[C], Generic[C]):
    """Base class of elements that consist of a title and a text."""

    title: str
    text: str

    def merge_key(self) -> Hashable:
        return normal(self.title)

    def entry(self) -> Entry[C]:
        return Entry(self.evidence, title=self.title, text=self.text)


class ValueProposition(Titled[C], Generic[C]):
    would_fill = "product pages that say what a customer gains"


class ReferenceCustomer(Element[C], Generic[C]):
    """A company that the vendor names as its customer."""

    would_fill = "a customers page, or logos with names"
    names = ("name",)

    name: str
    shown_as: Literal["story", "testimonial", "logo", "statement"]
    industry: str | None

    def merge_key(self) -> Hashable:
        return name_key(self.name)

    @property
    def rank(self) -> int:
        return ("story", "testimonial", "statement", "logo").index(self.shown_as)

    def entry(self) -> Entry[C]:
        return Entry(self.evidence, title=self.name, tags=tuple(filter(None, (self.shown_as, self.industry))))


class UseCase(Titled[C], Generic[C]):
    would_fill = "pages on use cases"


class TargetPersona(Element[C], Generic[C]):
    """A kind of company (`icp`, ideal customer profile) or person (`persona`) that the vendor's product is made for."""

    would_fill = "a page about the vendor's target customers"

    kind: Literal["icp", "persona"]
    title: str
    text: str
    goals: tuple[Claim[C], ...]
    pains: tuple[Claim[C], ...]

    def merge_key(self) -> Hashable:
        return normal(self.title)

    def entry(self) -> Entry[C]:
        kind = {"icp": "ideal customer", "persona": "persona"}[self.kind]
        goals, pains = (_part("Goal", goal) for goal in self.goals), (_part("Pain", pain) for pain in self.pains)
        return Entry(self.evidence, title=self.title, text=self.text, tags=(kind,), parts=(*goals, *pains))


class Differentiator(Element[C], Generic[C]):
    """An advantage of the vendor or of a competitor. `competitor` is None if the page names no competitor."""

    would_fill = "comparison pages that name a competitor"
    names = ("competitor",)

    competitor: str | None
    favours: Literal["vendor", "competitor"]
    text: str

    def merge_key(self) -> Hashable:
        return self.competitor, normal(self.text)

    def entry(self) -> Entry[C]:
        if self.favours == "competitor":
            ahead = f"{self.competitor or 'A competitor'} is ahead"
            return Entry(self.evidence, text=self.text, tags=(ahead,), is_against_us=True)
        return Entry(self.evidence, text=self.text, tags=(f"Against {self.competitor}",) if self.competitor else ())


class VendorElements(Value, Generic[C]):
    """Elements by kind.

    Each field has the same name as its prompt file and its section; the section's heading is derived from this name.
    """

    offerings: tuple[Offering[C], ...]
    case_studies: tuple[CaseStudy[C], ...]
    proof_points: tuple[ProofPoint[C], ...]
    value_propositions: tuple[ValueProposition[C], ...]
    reference_customers: tuple[ReferenceCustomer[C], ...]
    use_cases: tuple[UseCase[C], ...]
    target_personas: tuple[TargetPersona[C], ...]
    differentiators: tuple[Differentiator[C], ...]

    @classmethod
    def none(cls) -> Self:
        return cls.model_validate(dict.fromkeys(cls.model_fields, ()))

    def by_kind(self) -> Iterator[tuple[str, tuple[Element[C], ...]]]:
        return ((kind, getattr(self, kind)) for kind in KINDS)


KINDS: dict[str, type[Element[Any]]] = {
    name: get_args(field.annotation)[0] for name, field in VendorElements.model_fields.items()
}


class VendorAnswer(VendorElements[C], CompanyFindings[C], Generic[C]):
    """A model's answer about one pack of the vendor's pages."""


# The prompt file for each kind of finding on a vendor's pages.
READ_KINDS: dict[str, str] = {
    **{kind: f"vendor/{kind}" for kind in KINDS},
    **{kind: f"company/{kind}" for kind in CompanyFindings.model_fields},
}
