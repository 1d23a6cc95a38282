"""The eight kinds of vendor elements: one class each, and one prompt file of the same name."""

from __future__ import annotations

from functools import cache
from typing import Any, Generic, Literal

from pydantic import create_model

from octave_mcp.domain.evidence import C, Claim, Finding
from octave_mcp.domain.value import Value


class Price(Finding[C], Generic[C]):
    """What a plan costs or includes, in the page's own words."""

    plan: str
    terms: str


class Offering(Finding[C], Generic[C]):
    """Something the vendor sells: a product, a plan, a service."""

    name: str
    kind: Literal["product", "plan", "service"]
    description: str
    pricing: tuple[Price[C], ...]


class CaseStudy(Finding[C], Generic[C]):
    """One customer's story. `headline` is the page's own; a part the page does not tell is absent."""

    customer: str
    headline: str
    industry: str | None
    challenge: Claim[C] | None
    solution: Claim[C] | None
    results: tuple[Claim[C], ...]


class ProofPoint(Finding[C], Generic[C]):
    """Praise by a person with a name (`testimonial`), or a figure, award or certificate of the vendor's own."""

    kind: Literal["testimonial", "metric", "award", "certification"]
    text: str
    person: str | None
    role: str | None
    company: str | None


class ValueProposition(Finding[C], Generic[C]):
    title: str
    text: str


class ReferenceCustomer(Finding[C], Generic[C]):
    """A customer the vendor itself names as one."""

    name: str
    shown_as: Literal["story", "testimonial", "logo", "statement"]
    industry: str | None


class UseCase(Finding[C], Generic[C]):
    title: str
    text: str


class TargetPersona(Finding[C], Generic[C]):
    """Whom the vendor builds for: a kind of company (`icp`) or of person (`persona`)."""

    kind: Literal["icp", "persona"]
    title: str
    text: str
    goals: tuple[Claim[C], ...]
    pains: tuple[Claim[C], ...]


class Differentiator(Finding[C], Generic[C]):
    """What sets the vendor apart, or a competitor from it; `competitor` is None where the page names none."""

    competitor: str | None
    favours: Literal["vendor", "competitor"]
    text: str


class VendorElements(Value, Generic[C]):
    offerings: tuple[Offering[C], ...]
    case_studies: tuple[CaseStudy[C], ...]
    proof_points: tuple[ProofPoint[C], ...]
    value_propositions: tuple[ValueProposition[C], ...]
    reference_customers: tuple[ReferenceCustomer[C], ...]
    use_cases: tuple[UseCase[C], ...]
    target_personas: tuple[TargetPersona[C], ...]
    differentiators: tuple[Differentiator[C], ...]


@cache
def some_elements(kinds: tuple[str, ...], cited: type) -> type[Value]:
    """The form of an answer with these kinds of elements alone, whose evidence is of that type."""
    whole: type[Value] = VendorElements[cited]  # pyright: ignore[reportInvalidTypeArguments] - known when it runs
    if len(kinds) == len(whole.model_fields):
        return whole
    fields: dict[str, Any] = {kind: (whole.model_fields[kind].annotation, ...) for kind in kinds}
    return create_model(VendorElements.__name__, __base__=Value, **fields)
