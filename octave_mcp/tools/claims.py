"""Check claims that are given as JSON objects against the quotations in the same objects."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, JsonValue, StringConstraints, ValidationError, field_validator

from octave_mcp.asks.verification import Claimed, Quotation, judged_by
from octave_mcp.domain.company import Role
from octave_mcp.domain.evidence import Support, Verdict
from octave_mcp.domain.value import Value, path_text
from octave_mcp.errors import InputError
from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support import Quoted, Statement, problems, support
from octave_mcp.ports import Model

MAX_LINE_BYTES = 200_000
# The limits below allow a claim or a quotation that is many times as long as one sentence.
MAX_NAME_CHARACTERS, MAX_CONTEXT_CHARACTERS = 200, 1000
MAX_CLAIM_CHARACTERS, MAX_QUOTE_CHARACTERS = 1000, 5000
MAX_QUOTATIONS = 20
MAX_COMPLAINTS = 3
Kind = Literal["fact", "inference", "question", "copy"]
KINDS_NEEDING_EVIDENCE: frozenset[Kind] = frozenset({"fact", "inference"})
# A claim with one of these verdicts is accepted. "unjudged" is one of them, because this verdict means that the checks
# found nothing wrong with the claim.
ACCEPTED: frozenset[Verdict] = frozenset({"supported", "unjudged"})

NO_QUOTATION = Problem("D1", "the claim has no quotation")

# Maps some of pydantic's error types to texts that replace pydantic's own error texts.
_ERROR_TEXTS = {
    "missing": "missing",
    "string_too_short": "empty",
    "too_short": "empty",
    "string_type": "should be a string",
    "tuple_type": "should be a list",
}
_WORDS = r"\w"
# If a claim contains an invalid JSON literal such as `nul`, pydantic's parser describes the error with these words.
# Leave these words out of our errors, because they mean nothing to users.
_PARSER_JARGON = "expected ident"
# The input is a single line, so the parser's "at line 1 column 7" becomes "at character 7".
_LOCATION = re.compile(r" at line \d+ column (\d+)$")

Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_NAME_CHARACTERS)]
Quote = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUOTE_CHARACTERS)]
ClaimText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_CLAIM_CHARACTERS, pattern=_WORDS)
]


class GivenQuotation(Value):
    """A quotation. `role` says whose page the quotation is from, and `title` is the title of that page."""

    model_config = ConfigDict(extra="ignore")

    quote: Quote
    role: Role
    title: Annotated[str, StringConstraints(max_length=MAX_CONTEXT_CHARACTERS)] | None = None


class GivenClaim(Value):
    """A claim from a line of a file. Unknown keys are ignored. If a claim has an `id`, its result has the same `id`."""

    model_config = ConfigDict(extra="ignore")

    id: JsonValue = None
    vendor: Name
    prospect: Name
    context: Annotated[str, StringConstraints(max_length=MAX_CONTEXT_CHARACTERS)] | None = None
    kind: Kind | None = None
    claim: ClaimText
    evidence: Annotated[tuple[GivenQuotation, ...], Field(max_length=MAX_QUOTATIONS)]

    @field_validator("id")
    @classmethod
    def _is_json(cls, value: JsonValue) -> JsonValue:
        # Reject NaN and Infinity, which pydantic's parser accepts although they are not valid JSON.
        json.dumps(value, allow_nan=False)
        return value

    @property
    def statement(self) -> Statement:
        quoted = tuple(Quoted(item.quote, item.role, item.title or "") for item in self.evidence)
        return Statement(self.claim, self.kind or "fact", self.vendor, self.prospect, quoted, self.context or "")

    @property
    def claimed(self) -> Claimed:
        quotations = tuple(Quotation(item.quote, item.role, item.title or "") for item in self.evidence)
        kind = "inference" if self.kind == "inference" else "fact"
        return Claimed(self.claim, kind, quotations, self.vendor, self.prospect)

    @property
    def lacks_evidence(self) -> bool:
        return not self.evidence and (self.kind or "fact") in KINDS_NEEDING_EVIDENCE


class Objection(Value):
    """A reason to reject or doubt a claim: the code of the rule that the claim breaks, and a description."""

    code: str
    text: str


class CheckedClaim(Value):
    """The result of checking a claim.

    `stands`: whether the claim is accepted. A claim with the verdict `unjudged` is accepted, because the checks found
    no fault but could not confirm the claim. `model_error`: the reason why the model gave no verdict. If `model_error`
    is set, the verdict comes from the rules.
    """

    stands: bool
    support: Support
    problems: tuple[Objection, ...]
    model_error: str = ""


def read_claim(line: bytes) -> GivenClaim:
    """Parse one line.

    Raises:
        InputError: If the line is not a valid claim.
    """
    if len(line) > MAX_LINE_BYTES:
        raise InputError(f"longer than {MAX_LINE_BYTES:,} bytes")
    try:
        return GivenClaim.model_validate_json(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(f"invalid UTF-8: byte {line[error.start]:#04x} at position {error.start + 1}") from None
    except ValidationError as error:
        raise InputError(_complaint(error)) from None


def check_by_rules(given: GivenClaim) -> CheckedClaim:
    statement = given.statement
    objections = [NO_QUOTATION] if given.lacks_evidence else problems(statement)
    return _checked(support(statement, objections), objections)


async def check_by_model(
    model: Model, claims: Sequence[GivenClaim], checked: Sequence[CheckedClaim]
) -> list[CheckedClaim]:
    """Have the model judge the claims that the rules did not reject.

    The model's verdict replaces the verdict of the rules.

    `checked`: the results of the rules, in the same order as `claims`.

    Raises:
        SetupError, NoAccess: If the model cannot be used.
    """
    indexes = [
        at for at, (given, result) in enumerate(zip(claims, checked, strict=True)) if is_for_model(given, result)
    ]
    # Sort the claims by vendor and prospect, because neighbouring claims about the same deal can share one ask.
    indexes.sort(key=lambda at: (claims[at].vendor, claims[at].prospect))
    verdicts = await judged_by(model, [claims[at].claimed for at in indexes]) if indexes else []
    results = [*checked]
    for at, verdict in zip(indexes, verdicts, strict=True):
        results[at] = _judged(checked[at], verdict)
    return results


def is_for_model(given: GivenClaim, checked: CheckedClaim) -> bool:
    """Whether the model should judge the claim.

    The model cannot judge questions, or claims without quotations.
    """
    return bool(given.evidence) and given.kind != "question" and checked.support.verdict != "not"


def unreached(given: GivenClaim, checked: CheckedClaim, why: str) -> CheckedClaim:
    """If the model should have judged the claim, add the reason why the model could not be asked."""
    return checked.model_copy(update={"model_error": why}) if is_for_model(given, checked) else checked


def _judged(by_rules: CheckedClaim, verdict: Support) -> CheckedClaim:
    if verdict.verdict == "unjudged":
        return by_rules.model_copy(update={"model_error": verdict.reason or "the model gave no verdict"})
    objections = [Problem("D40", verdict.reason)] if verdict.verdict in {"partly", "not"} else []
    return _checked(verdict, objections)


def _checked(verdict: Support, faults: Sequence[Problem]) -> CheckedClaim:
    objections = tuple(Objection(code=problem.rule, text=problem.text) for problem in faults)
    return CheckedClaim(stands=verdict.verdict in ACCEPTED, support=verdict, problems=objections)


def _complaint(invalid: ValidationError) -> str:
    errors = invalid.errors(include_url=False, include_input=False)
    shown = [_fault(error) for error in errors[:MAX_COMPLAINTS]]
    more = len(errors) - len(shown)
    return "; ".join((*shown, *([f"and {more} more"] if more else [])))


def _fault(error: Any) -> str:  # noqa: ANN401 - pydantic's own
    match error["type"]:
        case "json_invalid":
            reason = _LOCATION.sub(r" at character \1", str(error["ctx"]["error"]))
            return f"invalid JSON: {reason}".replace(f": {_PARSER_JARGON}", "")
        case "model_type":
            text = "not a JSON object"
        case "string_pattern_mismatch":
            text = "contains no words"
        case "too_long":
            text = f"more than {error['ctx']['max_length']} entries"
        case "value_error":
            text = "NaN and Infinity are not valid JSON"
        case "string_too_long":
            text = f"longer than {error['ctx']['max_length']:,} characters"
        case kind:
            text = _ERROR_TEXTS.get(kind, str(error["msg"]).replace("Input should be", "should be"))
    place = path_text(error["loc"])
    return f"{place}: {text}" if place else text
