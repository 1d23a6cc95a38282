"""The checks that every model's answer passes through, on citations, figures, names and quotation marks.

A figure, a name or a quotation that is not in its evidence does not enter the playbook.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from octave_mcp.domain.addresses import is_registrable
from octave_mcp.domain.evidence import Evidence
from octave_mcp.domain.value import Path
from octave_mcp.evidence.figures import TIMES, Figure, figures, strange_names, strange_quotations

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
    """What is wrong with an answer, for the writer to correct: the rule, and where, as `("facts", 9, "text")`.

    A soft problem may be wrong itself: it asks for a correction, and never costs the entry.
    """

    rule: str
    text: str
    at: Path = ()
    is_soft: bool = False

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ValueError(f"there is no rule {self.rule!r}; add it to RULES")

    @classmethod
    def of(cls, told: str) -> Problem:
        """From the rule and the text as one, such as 'D15 the placeholder ...'."""
        rule, _, text = told.partition(" ")
        return cls(rule, text)

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


def _is_own(host: str, evidence: Evidence) -> bool:
    """Whether a host is that of the page, or one above or below it."""
    named = host.lower().strip(".").removeprefix("www.")
    own = (urlsplit(evidence.url).hostname or "").removeprefix("www.")
    return bool(named) and (named == own or named.endswith(f".{own}") or own.endswith(f".{named}"))
