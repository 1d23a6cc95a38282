"""What a reader is told of the verdicts on claims: in words, by a mark, and as a count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from octave_mcp.domain.evidence import Support, Verdict
from octave_mcp.domain.playbook import Playbook
from octave_mcp.evidence.claims import claims

# What a verdict is called.
VERDICTS: Mapping[Verdict, str] = {
    "supported": "supported",
    "partly": "partly supported",
    "not": "not supported",
    "unjudged": "not judged",
}
# What stands beside a claim that its quotation does not fully support.
MARKS: Mapping[Verdict, str] = {"partly": "≈", "not": "≠"}
_JUDGES = {"rules": "rules", "self": "the model that wrote it"}


def judge_in_words(name: str) -> str:
    return _JUDGES.get(name, name)


def verdict_in_words(support: Support) -> str:
    """'Supported, judged by rules', 'Partly supported, judged by openai: they plan it', 'Not judged: no room'."""
    said = VERDICTS[support.verdict]
    judged = "" if support.verdict == "unjudged" else f", judged by {judge_in_words(support.judge)}"
    return f"{said.capitalize()}{judged}{f': {support.reason}' if support.reason else ''}"


def mark_of(support: Support | None) -> str:
    """'' for a claim that is supported, or that nobody judged."""
    return MARKS.get(support.verdict, "") if support else ""


def counted(playbook: Playbook) -> str:
    """How many claims have which verdict, and by whom; '' for a playbook from before claims were judged.

    The brief only repeats claims of other sections.
    """
    of_sections = playbook.model_copy(update={"brief": None})
    supports = [claim.support for claim in claims(of_sections) if claim.support]
    if not supports:
        return ""
    by_verdict = (_of(verdict, supports) for verdict in VERDICTS)
    return f"{len(supports)} claims: {', '.join(filter(None, by_verdict))}"


def _of(verdict: Verdict, supports: Iterable[Support]) -> str:
    judges = Counter(support.judge for support in supports if support.verdict == verdict)
    if not judges:
        return ""
    told = f"{judges.total()} {VERDICTS[verdict]}"
    if verdict == "unjudged":
        return told
    if len(judges) == 1:
        return f"{told} (judged by {judge_in_words(next(iter(judges)))})"
    return f"{told} ({', '.join(f'{count} by {judge_in_words(name)}' for name, count in judges.most_common())})"
