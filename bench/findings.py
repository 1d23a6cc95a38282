"""Answers as a language model would give them: as many findings as in recorded answers, and e-mails in short sentences.

Each finding and each e-mail repeats sentences of the pages, so the checks accept almost all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from lengths import recorded_tokens, tokens

from octave_mcp.domain.evidence import Passage

# A recorded answer is about this many characters of passages. An answer about fewer characters is shorter.
RECORDED_CHARACTERS = 30_000
MIN_WORDS, MAX_WORDS = 6, 40
# An e-mail for a phone has short sentences.
MAX_EMAIL_WORDS = 16
NEEDS = ("speed", "cost", "quality", "growth", "hiring", "automation")
TOPICS = ("business", "scale", "team", "technology", "customers", "history")
FUNCTIONS = ("operations", "engineering", "finance", "sales", "support", "leadership")
_PERSON = re.compile(r"\b[A-Z][a-z]+ [A-Z][a-z]+\b")
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][A-Za-z]{3,}\b")
_OUTCOME = re.compile(r"\d")


class Line(NamedTuple):
    """A sentence of a page, its heading, and its citation."""

    text: str
    heading: str
    cite: dict[str, Any]

    @property
    def title(self) -> str:
        return " ".join(self.text.split()[:5]).rstrip(".,;:")

    @property
    def name(self) -> str:
        """A name within the sentence, or ''."""
        found = _NAME.search(self.text)
        return found[0] if found else ""

    @property
    def person(self) -> str:
        found = _PERSON.search(self.text)
        return found[0] if found else ""


Make = Callable[[Line, str], dict[str, Any] | None]


def findings(kinds: Sequence[str], passages: Sequence[Passage]) -> dict[str, list[dict[str, Any]]]:
    """Return findings of these kinds. Each list is as long, in tokens, as in a recorded answer about as many pages."""
    share = min(1.0, sum(len(passage.text) for passage in passages) / RECORDED_CHARACTERS)
    lines = list(_lines(passages))
    return {kind: list(_limited(_made(_MAKERS[kind], lines, start), share * recorded_tokens()[kind]))
            for start, kind in enumerate(kinds)}  # fmt: skip


def _lines(passages: Sequence[Passage]) -> Iterator[Line]:
    for at, passage in enumerate(passages, 1):
        for number in range(1, len(passage.sentences) + 1):
            text = passage.sentence(number)
            if text.endswith((".", "。")) and MIN_WORDS <= len(text.split()) <= MAX_WORDS and not passage.label:
                yield Line(text, passage.heading, {"passage": at, "sentences": [number]})


def _made(make: Make, lines: Sequence[Line], start: int) -> Iterator[dict[str, Any]]:
    """Yield one finding for each line that fits, spread over all pages. `start` varies the lines that come first."""
    steps = max(1, len(lines) // 40)
    order = [line for offset in range(steps) for line in lines[(start + offset) % steps :: steps]]
    for line, variant in zip(order, cycle(range(len(NEEDS))), strict=False):
        if finding := make(line, str(variant)):
            yield {**finding, "evidence": [line.cite]}


def _limited(found: Iterator[dict[str, Any]], limit: float) -> Iterator[dict[str, Any]]:
    """Yield findings up to this number of tokens, but at least one."""
    size = 0
    for finding in islice(found, 60):
        is_first, size = not size, size + tokens(finding)
        if size > limit and not is_first:
            return
        yield finding


def _claim(line: Line) -> dict[str, Any]:
    return {"text": line.text, "evidence": [line.cite]}


def _case_study(line: Line, _: str) -> dict[str, Any] | None:
    if not line.name or not _OUTCOME.search(line.text):
        return None
    story = {"industry": None, "challenge": None, "solution": None}
    return {"customer": line.name, "headline": line.text, **story, "results": [_claim(line)]}


def _offering(line: Line, _: str) -> dict[str, Any]:
    return {"name": line.heading or line.title, "kind": "product", "description": line.text, "pricing": []}


def _proof_point(line: Line, _: str) -> dict[str, Any] | None:
    said = {"person": None, "role": None, "company": None}
    return {"kind": "metric", "text": line.text, **said} if _OUTCOME.search(line.text) else None


def _person(line: Line, _: str) -> dict[str, Any] | None:
    known = {"name": line.person, "title": None, "where": "team", "employer": None}
    return known if line.person else None


def _named(**fields: Any) -> Make:  # noqa: ANN401 - JSON
    return lambda line, _: {"name": line.name, **fields} if line.name else None


def _titled(line: Line, _: str) -> dict[str, Any]:
    return {"title": line.title, "text": line.text}


_MAKERS: dict[str, Make] = {
    "offerings": _offering,
    "case_studies": _case_study,
    "proof_points": _proof_point,
    "value_propositions": _titled,
    "reference_customers": _named(shown_as="statement", industry=None),
    "use_cases": _titled,
    "target_personas": lambda line, _: {"kind": "icp", **_titled(line, ""), "goals": [_claim(line)], "pains": []},
    "differentiators": lambda line, _: {"competitor": None, "favours": "vendor", "text": line.text},
    "triggers": lambda line, _: {"kind": "launch", "what": line.text, "date": None} if "20" in line.text else None,
    "people": _person,
    "integrations": _named(relation="uses"),
    "facts": lambda line, at: {"topic": TOPICS[int(at)], "text": line.text},
    "signals": lambda line, at: {"need": NEEDS[int(at)], "text": line.text, "stated": True},
    "jobs": lambda line, at: {"title": line.title, "function": FUNCTIONS[int(at)]} if "Head of" in line.text else None,
}  # fmt: skip


def touches(passages: Sequence[Passage]) -> list[dict[str, Any]]:
    """Return the e-mails of a sequence. Each e-mail has a sentence about the prospect, and one about a customer."""
    short = [line for line in _lines(passages) if len(line.text.split()) <= MAX_EMAIL_WORDS]
    host = _host(passages[0])  # the vendor's quotations come first
    is_vendors = {id(line): _host(passages[int(line.cite["passage"]) - 1]) == host for line in short}
    proofs = [line for line in short if is_vendors[id(line)] and line.name and _OUTCOME.search(line.text)]
    reasons = [line for line in short if not is_vendors[id(line)]]
    return [
        {
            "subject": subject,
            "paragraphs": [[_sentence(line) for line in pair]],
            "call_to_action": {"label": "interest", "text": ask},
            "opt_out": None,
            "second_opening": [],
            "make_first": None,
            "personalisation": [],
        }
        for (subject, ask), *pair in zip(REQUESTS, _each(reasons or proofs), _each(proofs or reasons), strict=False)
    ]


def _each(lines: Sequence[Line]) -> Iterator[Line]:
    """Yield the lines again and again, those that begin with different words first."""
    return cycle({line.text.split()[0]: line for line in lines}.values())


def _host(passage: Passage) -> str:
    return urlsplit(passage.page.url).netloc


def _sentence(line: Line) -> dict[str, Any]:
    return {**_claim(line), "kind": "fact"}


REQUESTS = (
    ("your mornings", "Is that a topic for your people at {{company_name}}?"),
    ("a page for you", "Shall I draw up a page with two first ideas for your team?"),
    ("one idea", "Who on your team looks after this?"),
    ("last note", "If now is a bad time, a short no is fine."),
)
