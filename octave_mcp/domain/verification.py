"""Questions to a model about whether quotations support claims, and the model's answers."""

from __future__ import annotations

from typing import Literal

from octave_mcp.domain.asks import Answer, Names, Unusable
from octave_mcp.domain.company import Role
from octave_mcp.domain.value import Value

ClaimKind = Literal["fact", "inference"]


class PageQuotation(Value):
    """A quotation, the title of its page, and the role of the company that the page belongs to."""

    role: Role
    title: str
    text: str


class CitedClaim(Value):
    """A claim to judge.

    `label` is the subject of the claim; '' if the text itself names the subject. `quotations` are the numbers of the
    cited quotations in the brief, counted from 1.
    """

    text: str
    kind: ClaimKind
    label: str = ""
    quotations: tuple[int, ...]


class VerificationBrief(Value):
    """Context of an ask in which the model judges claims. The claims are numbered from 1 in the given order.

    Unlike in other briefs, `context` is empty: what the user said about the deal is not evidence.
    """

    names: Names
    quotations: tuple[PageQuotation, ...]
    claims: tuple[CitedClaim, ...]
    context: Literal[""] = ""


class Doubt(Value):
    """A claim, by its number, that its quotations do not support as it stands.

    `better` is a text of the same length that they do support; None if there is none.
    """

    claim: int
    verdict: Literal["partly", "not"]
    reason: str
    better: str | None


class Verification(Value):
    """The numbers of the claims that are supported, and what is wrong with the others."""

    supported: tuple[int, ...]
    others: tuple[Doubt, ...]


class Verified(Value):
    """The answer to an ask in which the model judges claims from a list.

    `sent`: the ask contained the first `sent` claims of the list. `answer`: None if the ask contained no claims.
    """

    sent: int
    answer: Answer[Verification] | Unusable | None
