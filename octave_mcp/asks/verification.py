"""Asks a model whether quotations support claims. One ask contains many claims, but each quotation only once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from math import ceil
from typing import NamedTuple

from octave_mcp.asks.attempts import RETRY_SECONDS, Attempts
from octave_mcp.asks.prompts import ask_for, load
from octave_mcp.asks.rendering import Rendered, estimated_tokens, rendered
from octave_mcp.asks.schema import schema_of
from octave_mcp.asks.untrusted import plain
from octave_mcp.concurrency.run_clock import RunClock
from octave_mcp.domain.asks import Answer, Ask, Names, Unusable
from octave_mcp.domain.company import Role
from octave_mcp.domain.evidence import Support, Verdict
from octave_mcp.domain.verification import CitedClaim, ClaimKind, PageQuotation, Verification, VerificationBrief
from octave_mcp.errors import NoAccess, OctaveError, SetupError, UpstreamError, without_provider_text
from octave_mcp.ports import Model

PROMPT = ("checks/self_check",)
MAX_CLAIMS_PER_ASK = 60
# If a model rejects at least half of the claims or doubts more than 90 % of them, assume that the model is wrong. The
# rule-based checks have already accepted all of these claims.
REJECTED_SHARE, MAX_DOUBTED_SHARE = 0.5, 0.9
# MAX_DOUBTED_SHARE applies only above this many doubts, because a few claims can all be wrong.
A_FEW = 3
MAX_REASON_LENGTH = 160
# To estimate an answer's size: each answer takes ANSWER_TOKENS, and each doubt adds DOUBT_TOKENS. The estimate assumes
# that a model doubts one claim in ten (DOUBTED_SHARE).
ANSWER_TOKENS = 60
DOUBT_TOKENS, DOUBTED_SHARE = 70, 0.1
# Estimated tokens of the small parts of an ask: roles, the schema's name, and notes to a connected client.
OVERHEAD_TOKENS = 120


class Quotation(NamedTuple):
    text: str
    role: Role
    title: str = ""


class Claimed(NamedTuple):
    """A claim with its quotations. `label`: the subject of the claim, or '' if the claim itself names its subject."""

    text: str
    kind: ClaimKind
    quotations: tuple[Quotation, ...]
    vendor: str = ""
    prospect: str = ""
    label: str = ""


class Opinion(NamedTuple):
    """A model's verdict on a claim. `better`: the corrected claim, or ''."""

    verdict: Verdict
    reason: str = ""
    better: str = ""


class Size(NamedTuple):
    """Estimated tokens of an ask (`read`) and of its answer (`written`)."""

    read: int
    written: int


Verifying = Ask[Verification, VerificationBrief]


def verifies(model: Model) -> bool:
    """Return whether the model can judge claims outside a run."""
    # The extractive model cannot judge, and a connected client answers only the questions of its own run.
    return model.capacity.verifies and not model.capacity.is_answered_by_client


def verification(claims: Sequence[Claimed], language: str) -> Verifying:
    """Return the ask about the given claims, which must all be about the same two companies."""
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
    """Return the version of the verification prompt."""
    return load(*PROMPT).version


def fitting(
    claims: Sequence[Claimed], language: str, max_tokens: int, *, max_read: int | None = None
) -> tuple[int, Size]:
    """Return the number of claims that fit into one ask, taken in order, and the size of that ask.

    `max_tokens` limits the tokens of the ask and the answer together. `max_read` limits the tokens of the ask alone.
    `max_read` is set only for models that verify all claims at the end of a run. For these models, MAX_CLAIMS_PER_ASK
    does not apply.
    """
    within = claims[:MAX_CLAIMS_PER_ASK] if max_read is None else claims
    base = _base(rendered(verification(claims[:1], language)))
    size, known = Size(0, 0), set[Quotation]()
    for count, claim in enumerate(within):
        base += _line_tokens(claim, known)
        known.update(claim.quotations)
        larger = Size(base, ANSWER_TOKENS + ceil((count + 1) * (3 + DOUBTED_SHARE * DOUBT_TOKENS)))
        if sum(larger) > max_tokens or (max_read is not None and larger.read > max_read):
            return count, size
        size = larger
    return len(within), size


def opinions(answer: Answer[Verification] | Unusable, count: int) -> dict[int, Opinion]:
    """Return the opinions in the answer, with the index of the claim as the key.

    If the answer lists a claim twice or omits it, return no opinion for this claim. Ignore claim numbers that
    do not exist, such as 7 in an answer about 6 claims.
    """
    if isinstance(answer, Unusable):
        return {}
    doubts = answer.value.others
    named = Counter([*set(answer.value.supported), *(doubt.claim for doubt in doubts)])
    given = {number: Opinion("supported") for number in answer.value.supported}
    given |= {doubt.claim: Opinion(doubt.verdict, doubt.reason, doubt.better or "") for doubt in doubts}
    return {number - 1: given[number] for number in given if named[number] == 1 and 1 <= number <= count}


def are_trusted(verdicts: Counter[Verdict]) -> bool:
    """Return whether a model's verdicts are plausible. All claims have already passed the rule-based checks."""
    count, rejected = verdicts.total(), verdicts["not"]
    doubted = count - verdicts["supported"]
    return not (1 < rejected >= REJECTED_SHARE * count or A_FEW < doubted > MAX_DOUBTED_SHARE * count)


async def judged_by(model: Model, claims: Sequence[Claimed], language: str = "en") -> list[Support]:
    """Return one verdict per claim, in the order of the claims.

    If the model does not judge a claim, the claim's verdict is 'unjudged' with a reason.

    Raises:
        SetupError, NoAccess: If the model cannot be used at all.
    """
    verdicts: list[Support] = []
    for _, same_deal in groupby(claims, lambda claim: (claim.vendor, claim.prospect)):
        deal = list(same_deal)
        for start in range(0, len(deal), MAX_CLAIMS_PER_ASK):
            verdicts += await _judged(model, deal[start : start + MAX_CLAIMS_PER_ASK], language, is_first=not verdicts)
    return verdicts


async def _judged(model: Model, claims: Sequence[Claimed], language: str, *, is_first: bool) -> list[Support]:
    clock = RunClock()
    attempts = Attempts(model, verification(claims, language), None, lambda _call, _failed, _ms: None, clock)
    why, judged = "the model did not judge it", dict[int, Opinion]()
    try:
        judged = opinions(await attempts.answer(clock.now() + RETRY_SECONDS), len(claims))
    except (SetupError, NoAccess) as failed:
        # Raise the error only for the first ask. If a later ask fails, keep the verdicts of earlier asks.
        if is_first:
            raise
        why = why_unjudged(failed)
    except UpstreamError as failed:
        why = why_unjudged(failed)
    return [support(judged.get(at), model.name, why) for at in range(len(claims))]


def support(opinion: Opinion | None, judge: str, why: str = "") -> Support:
    """Convert an opinion to a verdict. If `opinion` is None, the verdict is 'unjudged' and the reason is `why`."""
    if opinion is None:
        return Support(verdict="unjudged", judge=judge, reason=why)
    return Support(verdict=opinion.verdict, judge=judge, reason=reason_of(opinion))


def reason_of(opinion: Opinion) -> str:
    """Return the opinion's reason as one short line, or '' if the claim is supported."""
    if opinion.verdict == "supported":
        return ""
    reason = plain(opinion.reason, MAX_REASON_LENGTH + 1)
    if not reason:
        return (
            "the quotation does not say all of it" if opinion.verdict == "partly" else "the quotation does not say it"
        )
    return reason if len(reason) <= MAX_REASON_LENGTH else f"{reason[: MAX_REASON_LENGTH - 3].rsplit(' ', 1)[0]}..."


def why_unjudged(failed: OctaveError) -> str:
    return f"the model gave no answer: {without_provider_text(failed)}"


def _base(text: Rendered) -> int:
    """Estimate how many tokens an ask contains besides its claims."""
    schema = json.dumps(schema_of(Verification), separators=(",", ":"))
    return estimated_tokens(f"{text.system}{schema}") + OVERHEAD_TOKENS


def _line_tokens(claim: Claimed, known: set[Quotation]) -> int:
    """Estimate how many tokens a claim adds to an ask.

    Quotations in `known` are already part of the ask, so they add nothing.
    """
    new = [one for one in claim.quotations if one not in known]
    pages: Mapping[tuple[str, str], None] = dict.fromkeys((one.role, one.title) for one in known)
    titles = sum(estimated_tokens(one.title) + 6 for one in new if (one.role, one.title) not in pages)
    return titles + sum(estimated_tokens(text) + 3 for text in _texts(claim, new))


def _texts(claim: Claimed, quotations: Sequence[Quotation]) -> Iterator[str]:
    yield f"00 inference [00] {claim.label} {claim.text}"
    yield from (quotation.text for quotation in quotations)
