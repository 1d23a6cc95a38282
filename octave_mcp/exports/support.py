"""Formats the verdicts on claims for readers, as words, marks and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from octave_mcp.domain.evidence import Support, Verdict
from octave_mcp.domain.playbook import Playbook
from octave_mcp.evidence.claims import claims

VERDICTS: Mapping[Verdict, str] = {
    "supported": "supported",
    "partly": "partly supported",
    "not": "not supported",
    "unjudged": "not judged",
}
# Marks to show after a claim if its quotations do not fully support it.
MARKS: Mapping[Verdict, str] = {"partly": "≈", "not": "≠"}
_JUDGES = {"rules": "rules", "self": "the model that wrote the playbook"}


def judge_in_words(name: str) -> str:
    """Return the judge's name for readers, such as 'the model that wrote the playbook' for 'self'."""
    return _JUDGES.get(name, name)


def verdict_in_words(support: Support) -> str:
    """Return the verdict in words, as in 'Partly supported, judged by openai: they plan it'."""
    words = VERDICTS[support.verdict]
    judged = "" if support.verdict == "unjudged" else f", judged by {judge_in_words(support.judge)}"
    return f"{words.capitalize()}{judged}{f': {support.reason}' if support.reason else ''}"


def mark_of(support: Support | None) -> str:
    """Return the mark to show after a claim, or '' if the claim is supported or not judged."""
    return MARKS.get(support.verdict, "") if support else ""


def counted(playbook: Playbook) -> str:
    """Return a summary such as '40 claims: 35 supported (judged by rules), 5 not judged'.

    Return '' for a playbook without verdicts. Claims in the brief are not counted, because the brief repeats claims of
    other sections.
    """
    without_brief = playbook.model_copy(update={"brief": None})
    supports = [claim.support for claim in claims(without_brief) if claim.support]
    if not supports:
        return ""
    by_verdict = (_counted(verdict, supports) for verdict in VERDICTS)
    return f"{len(supports)} claims: {', '.join(filter(None, by_verdict))}"


def _counted(verdict: Verdict, supports: Iterable[Support]) -> str:
    judges = Counter(support.judge for support in supports if support.verdict == verdict)
    if not judges:
        return ""
    total = f"{judges.total()} {VERDICTS[verdict]}"
    if verdict == "unjudged":
        return total
    if len(judges) == 1:
        return f"{total} (judged by {judge_in_words(next(iter(judges)))})"
    return f"{total} ({', '.join(f'{count} by {judge_in_words(name)}' for name, count in judges.most_common())})"
