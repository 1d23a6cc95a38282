"""Anyone's claims, checked against the quotations that come with them: one JSON object is one claim."""

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
# In characters; those of a claim and a quotation are many times what one sentence has.
LONGEST_NAME, LONGEST_CONTEXT, LONGEST_CLAIM, LONGEST_QUOTE = 200, 1000, 1000, 5000
MAX_QUOTATIONS = 20
MAX_COMPLAINTS = 3
Kind = Literal["fact", "inference", "question", "copy"]
# The kinds that need evidence.
CITING: frozenset[Kind] = frozenset({"fact", "inference"})
STANDING: frozenset[Verdict] = frozenset({"supported", "unjudged"})

NO_QUOTATION = Problem("D1", "the claim has no quotation")

# What pydantic calls a fault, in plain words.
_WRONG = {
    "missing": "missing",
    "string_too_short": "empty",
    "too_short": "empty",
    "string_type": "should be a string",
    "tuple_type": "should be a list",
}
_WORDS = r"\w"
# What the parser says where it finds something that JSON does not have.
_OF_PARSER = "expected ident"
_PLACE = re.compile(r" at line \d+ column (\d+)$")

Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_NAME)]
Quote = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_QUOTE)]

Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_CLAIM, pattern=_WORDS)]


class GivenQuotation(Value):
    """A quotation, whose page it is from, and the title of that page."""

    model_config = ConfigDict(extra="ignore")

    quote: Quote
    role: Role
    title: Annotated[str, StringConstraints(max_length=LONGEST_CONTEXT)] | None = None


class GivenClaim(Value):
    """A claim as a line of a file has it. Other keys are ignored; `id` is returned as it is."""

    model_config = ConfigDict(extra="ignore")

    id: JsonValue = None
    vendor: Name
    prospect: Name
    context: Annotated[str, StringConstraints(max_length=LONGEST_CONTEXT)] | None = None
    kind: Kind | None = None
    claim: Said
    evidence: Annotated[tuple[GivenQuotation, ...], Field(max_length=MAX_QUOTATIONS)]

    @field_validator("id")
    @classmethod
    def _is_json(cls, given: JsonValue) -> JsonValue:
        """Python reads NaN and Infinity, which JSON does not have."""
        json.dumps(given, allow_nan=False)
        return given

    @property
    def statement(self) -> Statement:
        quoted = tuple(Quoted(one.quote, one.role, one.title or "") for one in self.evidence)
        return Statement(self.claim, self.kind or "fact", self.vendor, self.prospect, quoted, self.context or "")

    @property
    def claimed(self) -> Claimed:
        quotations = tuple(Quotation(one.quote, one.role, one.title or "") for one in self.evidence)
        kind = "inference" if self.kind == "inference" else "fact"
        return Claimed(self.claim, kind, quotations, self.vendor, self.prospect)

    @property
    def lacks_evidence(self) -> bool:
        return not self.evidence and (self.kind or "fact") in CITING


class Objection(Value):
    """What is wrong with a claim: the code of the rule, and the fault in words."""

    code: str
    text: str


class CheckedClaim(Value):
    """`stands`: no objection was found. An `unjudged` claim stands, too: nobody could tell.

    `model_error` says why the model that was to judge it did not; the verdict is then that of the rules.
    """

    stands: bool
    support: Support
    problems: tuple[Objection, ...]
    model_error: str = ""


def read_claim(line: bytes) -> GivenClaim:
    """Parse one line.

    Raises:
        InputError: it is no claim; the text says why.
    """
    if len(line) > MAX_LINE_BYTES:
        raise InputError(f"longer than {MAX_LINE_BYTES:,} bytes")
    try:
        return GivenClaim.model_validate_json(line.decode("utf-8"))
    except UnicodeDecodeError as wrong:
        raise InputError(f"invalid UTF-8: byte {line[wrong.start]:#04x} at position {wrong.start + 1}") from None
    except ValidationError as wrong:
        raise InputError(_complaint(wrong)) from None


def check_by_rules(given: GivenClaim) -> CheckedClaim:
    statement = given.statement
    found = [NO_QUOTATION] if given.lacks_evidence else problems(statement)
    return _checked(support(statement, found), found)


async def check_by_model(
    model: Model, claims: Sequence[GivenClaim], checked: Sequence[CheckedClaim]
) -> list[CheckedClaim]:
    """As checked by the rules; what they do not reject is judged by the model, which has the last word on it.

    A question and a text without quotations are nothing for it to judge.

    Raises:
        SetupError, NoAccess: the model cannot be used.
    """
    asked = [at for at, (given, one) in enumerate(zip(claims, checked, strict=True)) if is_for_model(given, one)]
    # Claims of one deal go into one ask.
    asked.sort(key=lambda at: (claims[at].vendor, claims[at].prospect))
    verdicts = await judged_by(model, [claims[at].claimed for at in asked]) if asked else []
    found = [*checked]
    for at, verdict in zip(asked, verdicts, strict=True):
        found[at] = _judged(checked[at], verdict)
    return found


def is_for_model(given: GivenClaim, checked: CheckedClaim) -> bool:
    return bool(given.evidence) and given.kind != "question" and checked.support.verdict != "not"


def unreached(given: GivenClaim, checked: CheckedClaim, why: str) -> CheckedClaim:
    """As the rules left it, with the reason why the model did not judge it."""
    return checked.model_copy(update={"model_error": why}) if is_for_model(given, checked) else checked


def _judged(by_rules: CheckedClaim, verdict: Support) -> CheckedClaim:
    if verdict.verdict == "unjudged":
        return by_rules.model_copy(update={"model_error": verdict.reason or "the model gave no verdict"})
    found = [Problem("D40", verdict.reason)] if verdict.verdict in {"partly", "not"} else []
    return _checked(verdict, found)


def _checked(verdict: Support, found: Sequence[Problem]) -> CheckedClaim:
    objections = tuple(Objection(code=one.rule, text=one.text) for one in found)
    return CheckedClaim(stands=verdict.verdict in STANDING, support=verdict, problems=objections)


def _complaint(wrong: ValidationError) -> str:
    found = wrong.errors(include_url=False, include_input=False)
    shown = [_fault(error) for error in found[:MAX_COMPLAINTS]]
    more = len(found) - len(shown)
    return "; ".join((*shown, *([f"and {more} more"] if more else [])))


def _fault(error: Any) -> str:  # noqa: ANN401 - pydantic's own
    match error["type"]:
        case "json_invalid":
            told = _PLACE.sub(r" at character \1", str(error["ctx"]["error"]))
            return f"invalid JSON: {told}".replace(f": {_OF_PARSER}", "")
        case "model_type":
            text = "not a JSON object"
        case "string_pattern_mismatch":
            text = "has no words"
        case "too_long":
            text = f"more than {error['ctx']['max_length']} entries"
        case "value_error":
            text = "NaN and Infinity are not valid JSON"
        case "string_too_long":
            text = f"longer than {error['ctx']['max_length']:,} characters"
        case kind:
            text = _WRONG.get(kind, str(error["msg"]).replace("Input should be", "should be"))
    place = path_text(error["loc"])
    return f"{place}: {text}" if place else text
