"""Asks a model whether quotations say what claims say: many claims at once, each quotation written once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from math import ceil
from typing import NamedTuple

from octave_mcp.asks.attempts import SECONDS, Attempts
from octave_mcp.asks.prompts import ask_for, load
from octave_mcp.asks.rendering import Rendered, estimated_tokens, rendered
from octave_mcp.asks.schema import schema_of
from octave_mcp.asks.untrusted import plain
from octave_mcp.concurrency.run_clock import RunClock
from octave_mcp.domain.asks import Answer, Ask, Names, Unusable
from octave_mcp.domain.company import Role
from octave_mcp.domain.evidence import Support, Verdict
from octave_mcp.domain.verification import CitedClaim, ClaimKind, PageQuotation, Verification, VerificationBrief
from octave_mcp.errors import NoAccess, OctaveError, SetupError, UpstreamError, own_words
from octave_mcp.ports import Model

PROMPT = ("checks/self_check",)
# In one ask.
MAX_CLAIMS = 60
# A model that rejects this share of claims that passed the rules, or doubts more than the other, is wrong.
REFUSED, DOUBTED_AT_MOST = 0.5, 0.9
# Of so few claims, one answer may doubt all: the run as a whole tells whether the model is wrong.
A_FEW = 3
LONGEST_REASON = 160
# Of an answer without any doubts.
ANSWERED_TOKENS = 60
# The tokens of a doubt, and the share of claims that raise one.
DOUBT_TOKENS, DOUBTED = 70, 0.1
# For what surrounds the instructions: roles, the name of the schema, what a client is told of the form.
MORE_TOKENS = 120


class Quotation(NamedTuple):
    text: str
    role: Role
    title: str = ""


class Claimed(NamedTuple):
    """A claim with its quotations; `label` names what it is about, '' if the text says so."""

    text: str
    kind: ClaimKind
    quotations: tuple[Quotation, ...]
    vendor: str = ""
    prospect: str = ""
    label: str = ""


class Opinion(NamedTuple):
    """A model's verdict on a claim; `better` is its corrected text, '' if there is none."""

    verdict: Verdict
    reason: str = ""
    better: str = ""


class Size(NamedTuple):
    """The tokens of an ask, and those of its answer, roughly."""

    read: int
    written: int


Verifying = Ask[Verification, VerificationBrief]


def verifies(model: Model) -> bool:
    """Whether it judges claims as soon as it is asked: rules do not, and a connected client does it within its run."""
    return model.capacity.verifies and not model.capacity.is_patient


def verification(claims: Sequence[Claimed], language: str) -> Verifying:
    """The ask about these claims, whose companies are those of the first."""
    every = dict.fromkeys(quotation for claim in claims for quotation in claim.quotations)
    pages = list(dict.fromkeys((one.role, one.title) for one in every))
    quotations = sorted(every, key=lambda one: pages.index((one.role, one.title)))
    numbers = {quotation: number for number, quotation in enumerate(quotations, 1)}
    first = claims[0] if claims else Claimed("", "fact", ())
    brief = VerificationBrief(
        names=Names(vendor=first.vendor or "the vendor", prospect=first.prospect or "the prospect"),
        quotations=tuple(PageQuotation(role=one.role, title=one.title, text=one.text) for one in quotations),
        claims=tuple(
            CitedClaim(
                text=claim.text,
                kind=claim.kind,
                label=claim.label,
                quotations=tuple(sorted({numbers[one] for one in claim.quotations})),
            )
            for claim in claims
        ),
    )
    return ask_for(PROMPT, language=language, brief=brief, passages=(), answer=Verification)


def version() -> int:
    """Of the prompt."""
    return load(*PROMPT).version


def fitting(claims: Sequence[Claimed], language: str, most: int, *, most_read: int | None = None) -> tuple[int, Size]:
    """How many of the first claims one ask has room for, and its size: `most` tokens with the answer.

    Where what is read has a limit of its own, the number of claims has none.
    """
    within = claims[:MAX_CLAIMS] if most_read is None else claims
    base = _base(rendered(verification(claims[:1], language)))
    size, known = Size(0, 0), set[Quotation]()
    for count, claim in enumerate(within):
        base += _line_tokens(claim, known)
        known.update(claim.quotations)
        larger = Size(base, ANSWERED_TOKENS + ceil((count + 1) * (3 + DOUBTED * DOUBT_TOKENS)))
        if sum(larger) > most or (most_read is not None and larger.read > most_read):
            return count, size
        size = larger
    return len(within), size


def opinions(answer: Answer[Verification] | Unusable, count: int) -> dict[int, Opinion]:
    """By the place of the claim, from 0. What was named twice or never has none; unknown numbers are ignored."""
    if isinstance(answer, Unusable):
        return {}
    doubts = answer.value.others
    named = Counter([*set(answer.value.supported), *(doubt.claim for doubt in doubts)])
    found = {number: Opinion("supported") for number in answer.value.supported}
    found |= {doubt.claim: Opinion(doubt.verdict, doubt.reason, doubt.better or "") for doubt in doubts}
    return {number - 1: found[number] for number in found if named[number] == 1 and 1 <= number <= count}


def are_believed(verdicts: Counter[Verdict]) -> bool:
    """Whether a model may be right that gives these counts of verdicts to claims that passed the rules."""
    count, refused = verdicts.total(), verdicts["not"]
    doubted = count - verdicts["supported"]
    return not (1 < refused >= REFUSED * count or A_FEW < doubted > DOUBTED_AT_MOST * count)


async def judged_by(model: Model, claims: Sequence[Claimed], language: str = "en") -> list[Support]:
    """One verdict for each claim, in the order given; at most 60 claims are asked about at a time.

    What the model does not judge is `unjudged` by it, with the reason.

    Raises:
        SetupError, NoAccess: the model cannot be used at all.
    """
    found: list[Support] = []
    for _, same_deal in groupby(claims, lambda claim: (claim.vendor, claim.prospect)):
        deal = list(same_deal)
        for start in range(0, len(deal), MAX_CLAIMS):
            found += await _judged(model, deal[start : start + MAX_CLAIMS], language, is_first=not found)
    return found


async def _judged(model: Model, claims: Sequence[Claimed], language: str, *, is_first: bool) -> list[Support]:
    clock = RunClock()
    attempts = Attempts(model, verification(claims, language), None, lambda _call, _failed: None, clock)
    why, judged = "the model did not judge it", dict[int, Opinion]()
    try:
        judged = opinions(await attempts.answer(clock.now() + SECONDS), len(claims))
    except (SetupError, NoAccess) as failed:
        if is_first:
            raise
        why = why_unjudged(failed)
    except UpstreamError as failed:
        why = why_unjudged(failed)
    return [support(judged.get(at), model.name, why) for at in range(len(claims))]


def support(opinion: Opinion | None, judge: str, why: str = "") -> Support:
    """The opinion as a verdict by that judge; without one the claim is unjudged, and `why` says why."""
    if opinion is None:
        return Support(verdict="unjudged", judge=judge, reason=why)
    return Support(verdict=opinion.verdict, judge=judge, reason=reason_of(opinion))


def reason_of(opinion: Opinion) -> str:
    """At most one short line; '' if the claim is supported."""
    if opinion.verdict == "supported":
        return ""
    said = plain(opinion.reason, LONGEST_REASON + 1)
    if not said:
        return (
            "the quotation does not say all of it" if opinion.verdict == "partly" else "the quotation does not say it"
        )
    return said if len(said) <= LONGEST_REASON else f"{said[: LONGEST_REASON - 3].rsplit(' ', 1)[0]}..."


def why_unjudged(failed: OctaveError) -> str:
    return f"the model gave no answer: {own_words(failed)}"


def _base(text: Rendered) -> int:
    """The tokens of an ask without its claims."""
    schema = json.dumps(schema_of(Verification), separators=(",", ":"))
    return estimated_tokens(f"{text.system}{schema}") + MORE_TOKENS


def _line_tokens(claim: Claimed, known: set[Quotation]) -> int:
    """Of a claim, and those of its quotations that are not known yet."""
    new = [one for one in claim.quotations if one not in known]
    pages: Mapping[tuple[str, str], None] = dict.fromkeys((one.role, one.title) for one in known)
    titles = sum(estimated_tokens(one.title) + 6 for one in new if (one.role, one.title) not in pages)
    return titles + sum(estimated_tokens(text) + 3 for text in _texts(claim, new))


def _texts(claim: Claimed, quotations: Sequence[Quotation]) -> Iterator[str]:
    yield f"00 inference [00] {claim.label} {claim.text}"
    yield from (quotation.text for quotation in quotations)
