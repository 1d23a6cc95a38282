"""Uses rules to find quotations for sentences without citations, on all pages that a run read."""

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

SourcedVerdict = Literal["supported", "partly", "not"]

# Each text is compared with the `MAX_COMPARED` most similar sentences. The first `MAX_EXTENDED` sentences
# are also compared together with a neighbouring sentence.
MAX_COMPARED, MAX_EXTENDED = 12, 4
# A quotation is ignored if its closeness (see `Near`) is below `MIN_RELATED_CLOSENESS`. A quotation
# that supports a claim because of a shared figure needs at least `MIN_FIGURE_CLOSENESS`.
MIN_RELATED_CLOSENESS, MIN_FIGURE_CLOSENESS = 0.42, 0.5
# Quotations with at least 85 % of the highest closeness are also considered, because the closest quotation does not
# always support the claim best.
MIN_RIVAL_SHARE = 0.85
# A shared count up to this number proves nothing: 'three steps' and 'three offices' have the same figure by chance.
MAX_COUNTED = 12
# A quotation of fewer than six words is probably a heading or a label.
MIN_SENTENCE_WORDS = 6
# If a claim has fewer content words, names and figures than this, other sentences can contain the same words by
# coincidence.
MIN_CLAIM_CONTENT = 3
# Rules cannot tell which column is meant in a table row with two or more bars ('|').
MIN_TABLE_BARS = 2
RANKS: Mapping[SourcedVerdict, int] = {"supported": 0, "partly": 1, "not": 2}

UNDECIDED = "nothing speaks against it, but rules cannot tell whether the quotation says it: read it"
IN_ROW = "it is in a row of a table: see in the table which column is meant"
UNSAID = "rules find it on no page that was read"


class Sourced(NamedTuple):
    """The verdict on a sentence and its reason, with the supporting or most similar quotations.

    `near` contains these quotations, or nothing if no page contains a word of the sentence. `is_said` is true if a
    quotation says the same as the sentence; a shared figure is not enough. `is_unsaid` is true if no page says anything
    similar.
    """

    verdict: SourcedVerdict
    reason: str = ""
    near: tuple[Near, ...] = ()
    is_said: bool = False
    is_unsaid: bool = False


@dataclass(frozen=True)
class Sourcing:
    """Judges whether the pages that a run read support a sentence.

    The names of the two companies and the names in `known` need no evidence. Of several equally good quotations, the
    first one that `is_preferred` accepts is used.
    """

    nearest: Nearest
    vendor: str
    prospect: str
    known: tuple[str, ...]
    is_preferred: Callable[[Near], bool]

    def of(self, text: str, kind: Kind = "fact") -> Sourced:
        """Return the verdict on a sentence.

        If no quotation supports the whole sentence, the statements in the sentence are judged separately.
        """
        whole = self._of_statement(text, kind)
        statements = parts(text)
        if whole.is_said or len(statements) == 1:
            return whole
        return _joined(whole, statements, [self._of_statement(part, kind) for part in statements])

    def _of_statement(self, text: str, kind: Kind) -> Sourced:
        uncited = Statement(text, kind, self.vendor, self.prospect, (), known=self.known)
        near = self.nearest.to(uncited.content, text, MAX_COMPARED)
        wider = [candidate for close in near[:MAX_EXTENDED] for candidate in close.with_neighbours]
        judged = [
            _judged(uncited, candidate) for candidate in (*near, *wider) if candidate.closeness >= MIN_RELATED_CLOSENESS
        ]
        return self._best(judged) if judged else Sourced("not", UNSAID, tuple(near[:1]), is_unsaid=True)

    def _best(self, judged: Sequence[Sourced]) -> Sourced:
        """Return the best of the verdicts on the most similar quotations.

        A less similar quotation is considered only if it says the same as the sentence.
        """
        min_closeness = MIN_RIVAL_SHARE * max(candidate.near[0].closeness for candidate in judged)
        rivals = [
            candidate for candidate in judged if candidate.is_said or candidate.near[0].closeness >= min_closeness
        ]
        best = min(rivals, key=_rank)
        alike = [
            candidate
            for candidate in rivals
            if _rank(candidate) == _rank(best) and candidate.near[0].closeness >= min_closeness
        ]
        return next((candidate for candidate in alike if self.is_preferred(candidate.near[0])), best)


def _rank(sourced: Sourced) -> tuple[bool, int]:
    return not sourced.is_said, RANKS[sourced.verdict]


def _judged(uncited: Statement, near: Near) -> Sourced:
    statement = dated(replace(uncited, evidence=(near.quoted,)))
    rules_verdict = support(statement, problems(statement))
    if rules_verdict.verdict == "partly" or rules_verdict.verdict == "not":  # noqa: PLR1714 - narrows the type
        return Sourced(rules_verdict.verdict, rules_verdict.reason, (near,))
    if near.evidence.quote.count("|") >= MIN_TABLE_BARS:
        return Sourced("partly", IN_ROW, (near,))
    if name := _name_outside_quotation(statement):
        return Sourced("partly", f"the quotation does not name {name}, and its page names others, too", (near,))
    if rules_verdict.verdict == "supported" and _says_enough(statement):
        return Sourced("supported", "", (near,), is_said=True)
    is_sure = near.closeness >= MIN_FIGURE_CLOSENESS and _gives_same_figure(statement, near)
    return Sourced("supported", "", (near,)) if is_sure else Sourced("partly", UNDECIDED, (near,))


def _name_outside_quotation(statement: Statement) -> str:
    """Return a name in the claim that is missing from the quotation, its heading and the page title.

    A quotation without the name could be about another customer on the same page. Return '' if no name is missing.
    """
    quoted = statement.evidence[0]
    missing = strange(names(statement.text), (quoted.text, quoted.title, quoted.heading, *statement.free_names))
    return missing[0] if missing else ""


def _says_enough(statement: Statement) -> bool:
    """Whether the claim has enough words, names and figures to be judged by a comparison of words.

    Two shared words are not enough, because they can be a coincidence.
    """
    named = sum(statement.mentions(name) for name, _ in statement.companies)
    figures = len(quantities(statement.text))
    return statement.is_verbatim or len(statement.content) + named + figures >= MIN_CLAIM_CONTENT


def _gives_same_figure(statement: Statement, near: Near) -> bool:
    """Whether the claim has a distinctive figure, the quotation is a sentence, and the claim is not broader than it.

    A figure in a compound such as 'two-hour windows' does not count, because it belongs to a name.
    """
    quote = statement.quotes[0]
    is_sentence = near.length == 1 and len(quote.words) >= MIN_SENTENCE_WORDS
    distinctive = (each for each in quantities(statement.text) if "-" not in each.text and not each.is_year)
    is_broader = bool((statement.claim.lowers & _BROADENING_WORDS) - quote.lowers)
    return is_sentence and not is_broader and any(each.unit or each.value > MAX_COUNTED for each in distinctive)


# A claim is broader than its quotation if only the claim contains one of these words.
_BROADENING_WORDS = frozenset("all every each always never ever already".split())


def _joined(whole: Sourced, statements: Sequence[str], verdicts: Sequence[Sourced]) -> Sourced:
    """Combine the verdict on a whole sentence with the verdicts on the statements in it.

    The sentence is `supported` if all its statements are supported. If the verdict on one statement is `not`, the
    verdict on the sentence is `partly` or `not`.
    """
    backed = [verdict for verdict in verdicts if verdict.verdict == "supported"]
    near = tuple(dict.fromkeys(near for verdict in backed for near in verdict.near)) or whole.near
    if len(backed) == len(verdicts):
        return Sourced("supported", "", near)
    failed = next((at for at, verdict in enumerate(verdicts) if verdict.verdict == "not"), None)
    if whole.verdict == "supported":
        return whole if failed is None else _in_part(statements[failed], verdicts[failed], near)
    if whole.verdict == "partly" or not backed:
        return whole
    at = next(at for at, verdict in enumerate(verdicts) if verdict.verdict != "supported") if failed is None else failed
    return _in_part(statements[at], verdicts[at], near)


def _in_part(unbacked: str, verdict: Sourced, near: tuple[Near, ...]) -> Sourced:
    return Sourced("partly", f"“{unbacked.rstrip('.')}”: {verdict.reason}", near)
