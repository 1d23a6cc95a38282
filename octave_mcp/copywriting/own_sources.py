"""Applies rules to a text that a person wrote, and looks for evidence on the pages that a run has read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, cast

from octave_mcp.copywriting.letterhead import person_of
from octave_mcp.copywriting.own_copy import Checker, searched_passages
from octave_mcp.copywriting.pasted_text import read_pasted_text
from octave_mcp.domain.evidence import Evidence, EvidenceId, Finding, Support
from octave_mcp.domain.page import Page
from octave_mcp.domain.playbook import Playbook, Touch
from octave_mcp.domain.sender import Sender
from octave_mcp.domain.sentence import Score, Sentence
from octave_mcp.domain.value import Value, located
from octave_mcp.evidence.claims import claims
from octave_mcp.evidence.judge import texts_of
from octave_mcp.evidence.plans import dated, in_field
from octave_mcp.evidence.sourcing import UNSAID
from octave_mcp.evidence.support import Quoted, Statement, problems, quoted, support

MAX_SHOWN_CHARACTERS = 120
JUDGE = "rules"


class Sources:
    """The sources for a text that a person wrote: the quotations in a playbook, and the pages that the playbook lists.

    `pages`: the listed pages that are still stored, keyed by the digest of their text.
    `added`: new evidence that was found on the pages and is not in the playbook yet.
    """

    def __init__(self, playbook: Playbook, pages: Mapping[str, Page], sender: Sender | None) -> None:
        self.playbook = playbook
        self.added: dict[EvidenceId, Evidence] = {}
        self._checker = Checker(
            read_pasted_text(""), playbook, tuple(searched_passages(playbook, pages)), sender or Sender()
        )

    def judged(self, finding: Any) -> Any:  # noqa: ANN401 - a finding of any kind
        """Return a copy of the finding with a verdict on whether its evidence supports it.

        If the finding is a sentence without evidence, look for evidence on the pages first.
        """
        if isinstance(finding, Sentence):
            return self._sentence(cast("Sentence[EvidenceId]", finding))
        claim = next((claim for claim in claims(finding) if not claim.at), None)
        if claim is None:
            needs_evidence = getattr(finding, "how_known", "named") != "missing"
            unsaid = Support(verdict="not", judge=JUDGE, reason=UNSAID)
            return finding.model_copy(update={"support": unsaid if needs_evidence else None})
        return finding.model_copy(update={"support": self._support(claim.text, claim.evidence, claim.kind)})

    def _sentence(self, sentence: Sentence[EvidenceId]) -> Sentence[EvidenceId]:
        if sentence.kind not in {"fact", "inference"}:
            return sentence.model_copy(update={"support": None})
        if sentence.evidence:
            verdict = self._support(sentence.text, sentence.evidence, sentence.kind)
            return sentence.model_copy(update={"support": verdict})
        return sentence.model_copy(update=self._with_source(sentence.text))

    def _support(self, text: str, evidence: Sequence[EvidenceId], kind: Any) -> Support:  # noqa: ANN401 - fact or inference
        statement = self._statement(text, kind, [quoted(self.playbook.evidence[i]) for i in evidence])
        return support(statement, problems(statement))

    def _with_source(self, text: str) -> dict[str, object]:
        """Look for evidence on the pages, and return the new values of the sentence's fields."""
        checked = self._checker.checked(text)
        verdict, reason = checked.sentence.verdict, checked.sentence.reason
        if verdict == "no claim":
            is_question = text.rstrip("\"”’') ").endswith(("?", "？", "؟"))
            return {"kind": "question" if is_question else "courtesy", "support": None}
        self.added |= {
            evidence.id: evidence for evidence in checked.evidence if evidence.id not in self.playbook.evidence
        }
        support = Support(verdict=verdict, judge=JUDGE, reason=reason)
        return {"evidence": tuple(evidence.id for evidence in checked.evidence), "support": support}

    def warnings(self, part: object, owner: object, field: str) -> Iterator[str]:
        """Yield the problems that the rules find in a part of the playbook.

        The part is the value of the field `field` of the object `owner`.
        """
        if isinstance(part, str) and isinstance(owner, Value):
            yield from self._text_warnings(part, owner, field)
        for _, value in located(part):
            verdict: Support | None = getattr(value, "support", None)
            if isinstance(value, Finding):
                if verdict and verdict.verdict in {"partly", "not"}:
                    yield f"{_shown(cast('Value', value))}: {verdict.reason}."
            elif not isinstance(value, Score | Support):
                for at, text in texts_of(value):
                    yield from self._text_warnings(text, value, str(at[0]))

    def _text_warnings(self, text: str, owner: Value, field: str) -> Iterator[str]:
        """Check a text without citations against all quotations and names in the playbook."""
        if isinstance(owner, Touch) and field == "body":
            return  # The body is skipped, because each of its sentences is a finding with its own verdict.
        statement = dated(self._statement(text, "copy", self._quoted))
        issues = problems(in_field(owner, field, statement)) if text.strip() else []
        yield from (f"“{_shortened(text)}”: {problem.text}." for problem in issues if not problem.is_soft)

    def _statement(self, text: str, kind: Any, evidence: Sequence[Quoted]) -> Statement:  # noqa: ANN401 - of a statement
        playbook = self.playbook
        context = playbook.context.text if playbook.context else ""
        vendor, prospect = playbook.vendor.name, playbook.prospect.name
        naming = self._texts_with_names if kind == "copy" else ()
        return dated(Statement(text, kind, vendor, prospect, tuple(evidence), context, self._known_names, naming))

    @cached_property
    def _quoted(self) -> tuple[Quoted, ...]:
        return tuple(quoted(evidence) for evidence in self.playbook.evidence.values())

    @cached_property
    def _known_names(self) -> tuple[str, ...]:
        """Names that need no evidence: the personas' job titles and contacts."""
        personas = self.playbook.priority_personas
        people = (person_of(persona.contact) for persona in personas if persona.contact)
        return (*(persona.title for persona in personas), *people)

    @cached_property
    def _texts_with_names(self) -> tuple[str, ...]:
        """Texts that contain names. A sentence can use these names without citing the texts."""
        playbook = self.playbook
        context = playbook.context.text if playbook.context else ""
        quotes = (
            f"{evidence.page_title}\n{evidence.label}\n{evidence.quote}" for evidence in playbook.evidence.values()
        )
        return (playbook.vendor.name, playbook.prospect.name, context, *self._known_names, *quotes)


def _shown(finding: Value) -> str:
    text = next((claim.text for claim in claims(finding)), getattr(finding, "text", ""))
    return f"“{_shortened(text)}”"


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_SHOWN_CHARACTERS else f"{line[: MAX_SHOWN_CHARACTERS - 3].rsplit(' ', 1)[0]}..."
