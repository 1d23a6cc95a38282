"""The checks that every model's answer passes through, on citations, figures, names and quotation marks.

A figure, a name or a quotation that is not in its evidence does not enter the playbook.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard, TypeVar, cast, get_args
from urllib.parse import urlsplit

from octave_mcp.domain.addresses import is_registrable
from octave_mcp.domain.company import Role
from octave_mcp.domain.evidence import Cite, Claim, Evidence, Finding, Passage
from octave_mcp.domain.playbook import CallToAction, ColdCall, DiscoveryQuestion, Sentence, TouchDraft
from octave_mcp.domain.value import Value, walk
from octave_mcp.evidence.figures import TIMES, Figure, figures, has_words, strange_names, strange_quotations
from octave_mcp.evidence.passages import quotations, resolved

V = TypeVar("V", bound=Value)

_MINUTES = re.compile(r"\b(?:[1-5]?\d|60) minutes\b", re.IGNORECASE)

_QUOTED = re.compile(r"“[^”]*”")
_ADDRESS = re.compile(
    r"(?:https?://|www\.|[\w.+-]+@)(?P<host>[\w.-]+)\S*"
    r"|(?<![\w.])(?P<bare>(?:[a-z0-9-]+\.)+[a-z]{2,})(?P<path>[/:?#]\S+|/)?",
    re.IGNORECASE,
)
"""Where a reader could be sent: a page may name such a place to have it passed on."""


RULES = {
    "D1": "without evidence",
    "D3": "a figure that is not in the evidence",
    "D4": "a name that is not in the evidence",
    "D5": "a result whose evidence does not name the customer",
    "D7": "an absolute claim, such as 'only' or 'always'",
    "D8": "evidence that is old",
    "D9": "evidence that is mostly from one page",
    "D10": "quotation marks around something that is not a quotation",
    "D11": "an e-mail that is too short or too long",
    "D12": "a subject line that is too long, misleading or shouted",
    "D13": "no ask, several asks, or one that is too big",
    "D14": "sentences that are hard to read",
    "D15": "a placeholder or a blank",
    "D16": "more about the sender than about the reader",
    "D17": "clichés, exclamation marks or links",
    "D18": "an e-mail that repeats an earlier one",
    "D19": "touches whose days are out of order",
    "D20": "a promise of something that is not in evidence",
    "D21": "a last e-mail that offers no way to decline",
    "D22": "another language than the one asked for",
    "D23": "a pitch that is too long",
    "D24": "a call without a reason for calling",
    "D25": "too few, too many or closed questions",
    "D26": "too few or too many objections",
    "D28": "a battle card that is too long",
    "D36": "a link or address that is not on the cited site",
    (UNREAD := "form"): "an entry that is not of the form asked for",
    (CUT := "length"): "an answer that was cut off at its length limit",
    (EMPTY := "empty"): "an empty answer",
    (THOUGHTS := "thoughts"): "an answer that contained only the model's thoughts",
}
"""What is wrong when a rule is broken, in words that repeat nothing of what was dropped."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a part of an answer is dropped or could be better: the rule, and what is wrong, for the writer to correct."""

    rule: str
    text: str

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ValueError(f"there is no rule {self.rule!r}; add it to RULES")

    def __str__(self) -> str:
        return f"{self.rule} {self.text}"


def counted(dropped: Sequence[Problem]) -> str:
    """How many of which kind, for a playbook: what must not stand in it does not stand in its gaps either."""
    counts = Counter(problem.rule for problem in dropped)
    return ", ".join(f"{count} x {RULES[rule]} ({rule})" for rule, count in counts.items())


def without_minutes(ask: str) -> str:
    """An ask without the minutes of the reader's time that it asks for: they are no claim."""
    return _MINUTES.sub("", ask)


def unsupported(text: str, cited: Sequence[Evidence], known: Sequence[str], context: str = "") -> list[Problem]:
    """What of a text its evidence does not say: figures (D3), names (D4), quotations (D10); and addresses (D36).

    Figures and quotations must be in what is quoted; a name may also be in the page's title, in `context` (the
    passages cited), or be `known`, as the two companies of the deal are.
    """
    quoted = [evidence.quote for evidence in cited]
    said = " \n ".join(quoted)
    around = " \n ".join([said, context, *known, *(evidence.page_title for evidence in cited)])
    allowed = figures(said) | {figure for name in known for figure in figures(name)}
    allowed |= {Figure(figure.sign, figure.value, "") for figure in allowed if figure.unit in TIMES}
    return [
        *(
            Problem("D3", f"the figure {figure} is not in the evidence")
            for figure in sorted(map(str, figures(text) - allowed))
        ),
        *(Problem("D4", f"the name {name!r} is not in the evidence") for name in strange_names(text, around)),
        *(
            Problem("D10", f"{quote!r} is in quotation marks and not in the evidence")
            for quote in strange_quotations(text, said)
        ),
        *(
            Problem("D36", f"the address {address!r} is not on the site that is cited")
            for address, host in _addresses(text, around)
            if not any(_is_own(host, evidence) for evidence in cited)
        ),
    ]


def _addresses(text: str, named: str) -> Iterator[tuple[str, str]]:
    """The addresses of a text with their hosts; a bare host that is named may be a name, as Cal.com is."""
    for found in _ADDRESS.finditer(_QUOTED.sub(" ", text)):
        bare = found["bare"]
        is_name = bare and not found["path"] and bare.lower() in named.lower()
        if found["host"] or (not is_name and is_registrable(bare)):
            yield found[0], found["host"] or bare


@dataclass(frozen=True, slots=True)
class Judge:
    """Checks an answer against what was shown, and makes of it what may stand.

    `shown` are the ask's passages with the role of their company; `known` the names free to use; `given` is what the
    user said of the deal, whose names may be used too, and whose figures may not.
    """

    shown: tuple[Passage, ...]
    roles: tuple[Role, ...]
    known: tuple[str, ...]
    given: str = ""

    def problems(self, answer: Value) -> list[Problem]:
        """All that is wrong with an answer, for the complaint that goes with asking again."""
        return [problem for value in walk(answer) for problem in (*self._of(value), *_flat(self._strangers(value)))]

    def kept(self, answer: Value, into: type[V]) -> tuple[V | None, tuple[Evidence, ...], list[Problem]]:
        """The answer without what fails, its cites resolved; the evidence it uses; and why the rest was dropped.

        None if a part fails that the answer cannot do without.
        """
        used: dict[str, Evidence] = {}
        dropped: list[Problem] = []
        tree = self._pruned(answer, used, dropped)
        return (None if tree is None else into.model_validate(tree)), tuple(used.values()), dropped

    def _pruned(self, value: Value, used: dict[str, Evidence], dropped: list[Problem]) -> dict[str, object] | None:
        if problems := self._of(value):
            dropped.extend(problems)
            return None
        finding = value if _is_finding(value) else None
        strangers = self._strangers(value)
        dropped.extend(_flat(strangers))
        tree: dict[str, object] = {}
        for name, field in type(value).model_fields.items():
            if finding and name == "evidence":
                tree[name] = [evidence.id for evidence in self._keep(finding, used)]
                continue
            given: object = getattr(value, name)
            tree[name] = self._part(_without(given, strangers.get(name, {})), used, dropped)
            if tree[name] is None and given is not None and type(None) not in get_args(field.annotation):
                return None
        return tree

    def _part(self, given: object, used: dict[str, Evidence], dropped: list[Problem]) -> object:
        if isinstance(given, Value):
            return self._pruned(given, used, dropped)
        if isinstance(given, tuple):
            parts = [(part, self._part(part, used, dropped)) for part in cast("tuple[object, ...]", given)]
            return [kept for part, kept in parts if kept is not None or part is None]
        return given

    def _keep(self, finding: Finding[Cite], used: dict[str, Evidence]) -> tuple[Evidence, ...]:
        cited = self._cited(finding)
        used.update((evidence.id, evidence) for evidence in cited)
        return cited

    def _cited(self, finding: Finding[Cite]) -> tuple[Evidence, ...]:
        found = [e for cite in finding.evidence for e in quotations(cite, self.shown, self.roles[cite.passage - 1])]
        return tuple({evidence.id: evidence for evidence in found}.values())

    def _of(self, value: Value) -> list[Problem]:
        """What is wrong with one part of an answer itself, the parts of it aside."""
        return self._of_finding(value) if _is_finding(value) else self._of_words(value)

    def _of_words(self, value: Value) -> list[Problem]:
        """Words that carry no evidence of their own, such as a question or a heading, rest on that of their parts.

        An e-mail's are checked when it is put together, so that its place in the sequence can be named.
        """
        if isinstance(value, TouchDraft | CallToAction):
            return []
        words = _words_of(value)
        if issubclass(type(value), ColdCall):
            words = without_minutes(words)
        if not words:
            return []
        parts = [part for part in _findings(value) if not self._unknown(part)]
        cited = [evidence for part in parts for evidence in self._cited(part)]
        around = " \n ".join([self.given, *map(self._around, parts)])
        return self._unsupported(value, words, cited, around)

    def _unsupported(self, value: Value, words: str, cited: Sequence[Evidence], around: str) -> list[Problem]:
        """A question, which claims nothing, may name without citing it whatever any passage names."""
        found = unsupported(words, cited, self.known, around)
        if not _is_question(value) or all(problem.rule != "D4" for problem in found):
            return found
        shown = (f"{passage.page.title} {passage.heading} {passage.text}" for passage in self.shown)
        return unsupported(words, cited, self.known, " \n ".join([around, *shown]))

    def _unknown(self, finding: Finding[Cite]) -> str:
        """What a finding cites that was not shown."""
        try:
            for cite in finding.evidence:
                resolved(cite, self.shown)
        except LookupError as unknown:
            return str(unknown)
        return ""

    def _around(self, finding: Finding[Cite]) -> str:
        passages_cited = [self.shown[cite.passage - 1] for cite in finding.evidence]
        return " ".join(f"{passage.heading} {passage.label} {passage.text}" for passage in passages_cited)

    def _of_finding(self, finding: Finding[Cite]) -> list[Problem]:
        if unknown := self._unknown(finding):
            return [Problem("D1", unknown)]
        cited = self._cited(finding)
        if not cited and (not isinstance(finding, Sentence) or finding.kind in {"fact", "inference"}):
            return [Problem("D1", f"{_words_of(finding)[:80]!r} cites no passage")]
        context = " \n ".join([self.given, self._around(finding)])
        found = self._unsupported(finding, _words_of(finding), cited, context)
        around = " \n ".join([context, *self.known, *(evidence.page_title for evidence in cited)])
        strange = [name for name in _names_of(finding) if not has_words(name, around)]
        told = " ".join(map(str, found))
        return [
            *found,
            *(Problem("D4", f"the name {name!r} is not in the evidence") for name in strange if repr(name) not in told),
        ]

    def _strangers(self, value: Value) -> dict[str, dict[int, Problem]]:
        """D3b and D5: a result's figure and its customer's name stand in one passage, or the name in its page's title.

        By the field and the place of the result in it.
        """
        if not _is_finding(value):
            return {}
        beside = value.named_beside.items()
        return {field: self._unnamed(getattr(value, name), getattr(value, field)) for field, name in beside}

    def _unnamed(self, name: str, claims: Sequence[Claim[Cite]]) -> dict[int, Problem]:
        return {
            at: Problem("D5", f"{name!r} is not named where its result is: {claim.text[:80]!r}")
            for at, claim in enumerate(claims)
            if not all(self._names(name, cite) for cite in claim.evidence)
        }

    def _names(self, customer: str, cite: Cite) -> bool:
        """Whether the passage cited names the customer; one that was not shown is another rule's."""
        if not 1 <= cite.passage <= len(self.shown):
            return True
        passage = self.shown[cite.passage - 1]
        return has_words(customer, f"{passage.page.title} {passage.heading} {passage.text}")


def _is_own(host: str, evidence: Evidence) -> bool:
    """Whether a host is that of the page, or one above or below it."""
    named = host.lower().strip(".").removeprefix("www.")
    own = (urlsplit(evidence.url).hostname or "").removeprefix("www.")
    return bool(named) and (named == own or named.endswith(f".{own}") or own.endswith(f".{named}"))


def _flat(problems: Mapping[str, Mapping[int, Problem]]) -> Iterator[Problem]:
    return (problem for by_place in problems.values() for problem in by_place.values())


def _findings(answer: Value) -> Iterator[Finding[Cite]]:
    return (value for value in walk(answer) if _is_finding(value))


def _is_finding(value: Value) -> TypeGuard[Finding[Cite]]:
    return isinstance(value, Finding)


def _is_question(value: Value) -> bool:
    return isinstance(value, DiscoveryQuestion) or (isinstance(value, Sentence) and value.kind == "question")


def _words_of(value: Value) -> str:
    """What a value says in words of its own: its texts and lists of texts, without those of its parts, and no ids."""
    said: list[str] = []
    passed_over = ("evidence", *(value.unchecked if _is_finding(value) else ()))
    for name, field in type(value).model_fields.items():
        own = field.annotation is str or str in get_args(field.annotation)
        given: object = getattr(value, name)
        if own and not name.endswith("_id") and name not in passed_over:
            said += [given] if isinstance(given, str) else cast("tuple[str, ...]", given or ())
    return " \n ".join(said)


def _names_of(finding: Finding[Cite]) -> list[str]:
    """Companies and people that a finding has a field for; what is offered may be named in words of one's own."""
    return [name for field in finding.names if isinstance(name := getattr(finding, field), str)]


def _without(given: object, places: Container[int]) -> object:
    """A list without the parts at these places; anything else as it is."""
    if not isinstance(given, tuple):
        return given
    return tuple(part for at, part in enumerate(cast("tuple[object, ...]", given)) if at not in places)
