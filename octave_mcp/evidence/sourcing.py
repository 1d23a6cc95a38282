"""Finds what supports a sentence that cites nothing: among all that was read, without a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from octave_mcp.evidence.clauses import parts
from octave_mcp.evidence.nearest import Near, Nearest
from octave_mcp.evidence.plans import dated
from octave_mcp.evidence.support import Kind, Statement, problems, support
from octave_mcp.evidence.support.naming import names, strange
from octave_mcp.evidence.support.quantities import quantities

Found = Literal["supported", "partly", "not"]

# Sentences of pages that are compared with a text, and those of them that are also read with their neighbours.
LOOKED_AT, EXTENDED = 12, 4
# How close a quotation has to be to be about the same thing, and to support a figure that no rule objects to.
LIKE, SURE = 0.42, 0.5
# A quotation this close, as a share of the closest, may say what the closest does not.
RIVAL = 0.85
# A count up to this may be of anything.
MAX_COUNTED = 12
# Words: what is shorter is a heading or a label.
SHORTEST = 6
# Words, names and figures of a claim that can be found by its words alone.
FEWEST = 3
# Bars in a row of a table from which on it has columns for several things.
CELLS = 2
RANKS: Mapping[Found, int] = {"supported": 0, "partly": 1, "not": 2}

UNTOLD = "nothing speaks against it, but rules cannot tell whether the quotation says it: read it"
IN_ROW = "it is in a row of a table: see in the table which column is meant"
UNSAID = "rules find it on no page that was read"


class Sourced(NamedTuple):
    """The verdict, why, and the quotations that it rests on, or the nearest; none if no page has a word of the text.

    `is_said`: the rules themselves find it there. `is_unsaid`: no page is about it.
    """

    verdict: Found
    reason: str = ""
    near: tuple[Near, ...] = ()
    is_said: bool = False
    is_unsaid: bool = False


@dataclass(frozen=True)
class Sourcing:
    """`known` are names that need no evidence, beside those of the two companies.

    Of quotations as close as the closest that say the same, one that `is_preferred` is given.
    """

    nearest: Nearest
    vendor: str
    prospect: str
    known: tuple[str, ...]
    is_preferred: Callable[[Near], bool]

    def of(self, text: str, kind: Kind = "fact") -> Sourced:
        """The verdict on a sentence: that on the whole, or on its statements if pages say them apart."""
        whole = self._of_statement(text, kind)
        told = parts(text)
        if whole.is_said or len(told) == 1:
            return whole
        return _joined(whole, told, [self._of_statement(part, kind) for part in told])

    def _of_statement(self, text: str, kind: Kind) -> Sourced:
        bare = Statement(text, kind, self.vendor, self.prospect, (), known=self.known)
        near = self.nearest.to(bare.content, text, LOOKED_AT)
        wider = [one for first in near[:EXTENDED] for one in first.with_neighbours]
        judged = [_judged(bare, one) for one in (*near, *wider) if one.closeness >= LIKE]
        return self._best(judged) if judged else Sourced("not", UNSAID, tuple(near[:1]), is_unsaid=True)

    def _best(self, judged: Sequence[Sourced]) -> Sourced:
        """What the rules find said; else the verdict by one of the closest, as others are about something else."""
        least = RIVAL * max(one.near[0].closeness for one in judged)
        rivals = [one for one in judged if one.is_said or one.near[0].closeness >= least]
        best = min(rivals, key=_rank)
        alike = [one for one in rivals if _rank(one) == _rank(best) and one.near[0].closeness >= least]
        return next((one for one in alike if self.is_preferred(one.near[0])), best)


def _rank(one: Sourced) -> tuple[bool, int]:
    return not one.is_said, RANKS[one.verdict]


def _judged(bare: Statement, near: Near) -> Sourced:
    statement = dated(replace(bare, evidence=(near.quoted,)))
    found = support(statement, problems(statement))
    if found.verdict == "partly" or found.verdict == "not":  # noqa: PLR1714 - what narrows the type
        return Sourced(found.verdict, found.reason, (near,))
    if near.evidence.quote.count("|") >= CELLS:
        return Sourced("partly", IN_ROW, (near,))
    if beside := _named_beside(statement):
        return Sourced("partly", f"the quotation does not name {beside}, and its page names others, too", (near,))
    if found.verdict == "supported" and _says_enough(statement):
        return Sourced("supported", "", (near,), is_said=True)
    is_sure = near.closeness >= SURE and _gives_same_figure(statement, near)
    return Sourced("supported", "", (near,)) if is_sure else Sourced("partly", UNTOLD, (near,))


def _named_beside(one: Statement) -> str:
    """A name that stands around the quotation alone: on a page about several customers it may be another's."""
    quoted = one.evidence[0]
    found = strange(names(one.text), (quoted.text, quoted.title, quoted.heading, *one.free_names))
    return found[0] if found else ""


def _says_enough(one: Statement) -> bool:
    """Two words in common may be a coincidence: 'they asked for it'."""
    named = sum(one.mentions(name) for name, _ in one.companies)
    figures = len(quantities(one.text))
    return one.is_verbatim or len(one.content) + named + figures >= FEWEST


def _gives_same_figure(one: Statement, near: Near) -> bool:
    """Whether a sentence has a figure of the claim that can hardly be of anything else, and nothing limits the claim.

    'Two-hour windows' is no figure here: it is what the windows are called.
    """
    quote = one.quotes[0]
    is_sentence = near.length == 1 and len(quote.words) >= SHORTEST
    telling = (each for each in quantities(one.text) if "-" not in each.text and not each.is_year)
    is_limited = bool((one.claim.lowers & _LIMITS) - quote.lowers)
    return is_sentence and not is_limited and any(each.unit or each.value > MAX_COUNTED for each in telling)


_LIMITS = frozenset("all every each always never ever already".split())


def _joined(whole: Sourced, told: Sequence[str], found: Sequence[Sourced]) -> Sourced:
    """The verdict on the whole, unless its statements have better ones, or one of them is nowhere to be found."""
    backed = [one for one in found if one.verdict == "supported"]
    near = tuple(dict.fromkeys(near for one in backed for near in one.near)) or whole.near
    if len(backed) == len(found):
        return Sourced("supported", "", near)
    failed = next((at for at, one in enumerate(found) if one.verdict == "not"), None)
    if whole.verdict == "supported":
        return whole if failed is None else _in_part(told[failed], found[failed], near)
    if whole.verdict == "partly" or not backed:
        return whole
    at = next(at for at, one in enumerate(found) if one.verdict != "supported") if failed is None else failed
    return _in_part(told[at], found[at], near)


def _in_part(unbacked: str, found: Sourced, near: tuple[Near, ...]) -> Sourced:
    return Sourced("partly", f"“{unbacked.rstrip('.')}”: {found.reason}", near)
