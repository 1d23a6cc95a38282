"""What the rules say of a person's own text in a playbook, and what supports its sentences among all that was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, cast

from octave_mcp.copywriting.letterhead import person_of
from octave_mcp.copywriting.own_copy import Checker, sources_of
from octave_mcp.copywriting.own_text import read_own_text
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

# Characters of a sentence in a warning.
LONGEST_SHOWN = 120
JUDGE = "rules"


class Sources:
    """What a playbook quotes, and the `pages` that it lists, by the digests of their texts, as far as they are stored.

    `added` is the evidence that was found on the pages, and is not in the playbook.
    """

    def __init__(self, playbook: Playbook, pages: Mapping[str, Page], sender: Sender | None) -> None:
        self.playbook = playbook
        self.added: dict[EvidenceId, Evidence] = {}
        self._checker = Checker(read_own_text(""), playbook, tuple(sources_of(playbook, pages)), sender or Sender())

    def judged(self, finding: Any) -> Any:  # noqa: ANN401 - a finding of any kind
        """With the rules' verdict on its own evidence; a sentence that cites nothing gets the evidence that it has."""
        if isinstance(finding, Sentence):
            return self._sentence(cast("Sentence[EvidenceId]", finding))
        found = next((claim for claim in claims(finding) if not claim.at), None)
        if found is None:
            is_claim = getattr(finding, "how_known", "named") != "missing"
            unsaid = Support(verdict="not", judge=JUDGE, reason=UNSAID)
            return finding.model_copy(update={"support": unsaid if is_claim else None})
        return finding.model_copy(update={"support": self._support(found.text, found.evidence, found.kind)})

    def _sentence(self, sentence: Sentence[EvidenceId]) -> Sentence[EvidenceId]:
        if sentence.kind not in {"fact", "inference"}:
            return sentence.model_copy(update={"support": None})
        if sentence.evidence:
            verdict = self._support(sentence.text, sentence.evidence, sentence.kind)
            return sentence.model_copy(update={"support": verdict})
        return sentence.model_copy(update=self._sourced(sentence.text))

    def _support(self, text: str, evidence: Sequence[EvidenceId], kind: Any) -> Support:  # noqa: ANN401 - fact or inference
        statement = self._statement(text, kind, [quoted(self.playbook.evidence[i]) for i in evidence])
        return support(statement, problems(statement))

    def _sourced(self, text: str) -> dict[str, object]:
        """The kind of a sentence, its evidence and the verdict on it."""
        checked = self._checker.checked(text)
        verdict, reason = checked.sentence.verdict, checked.sentence.reason
        if verdict == "no claim":
            is_asked = text.rstrip("\"”’') ").endswith(("?", "？", "؟"))
            return {"kind": "question" if is_asked else "courtesy", "support": None}
        self.added |= {one.id: one for one in checked.evidence if one.id not in self.playbook.evidence}
        found = Support(verdict=verdict, judge=JUDGE, reason=reason)
        return {"evidence": tuple(one.id for one in checked.evidence), "support": found}

    def warnings(self, part: object, owner: object, field: str) -> Iterator[str]:
        """What the rules say of a part; `owner` has it in this field, if it is a text."""
        if isinstance(part, str) and isinstance(owner, Value):
            yield from self._of_text(part, owner, field)
        for _, value in located(part):
            verdict: Support | None = getattr(value, "support", None)
            if isinstance(value, Finding):
                if verdict and verdict.verdict in {"partly", "not"}:
                    yield f"{_in_short(cast('Value', value))}: {verdict.reason}."
            elif not isinstance(value, Score | Support):
                for at, text in texts_of(value):
                    yield from self._of_text(text, value, str(at[0]))

    def _of_text(self, text: str, owner: Value, field: str) -> Iterator[str]:
        """A text without evidence of its own may say what any quotation says, and name whatever any of them names."""
        if isinstance(owner, Touch) and field == "body":
            return  # its sentences are judged one by one
        free = dated(self._statement(text, "copy", self._quoted))
        found = problems(in_field(owner, field, free)) if text.strip() else []
        yield from (f"“{_shortened(text)}”: {problem.text}." for problem in found if not problem.is_soft)

    def _statement(self, text: str, kind: Any, evidence: Sequence[Quoted]) -> Statement:  # noqa: ANN401 - of a statement
        playbook = self.playbook
        given = playbook.context.text if playbook.context else ""
        vendor, prospect = playbook.vendor.name, playbook.prospect.name
        shown = self._names if kind == "copy" else ()
        return dated(Statement(text, kind, vendor, prospect, tuple(evidence), given, self._known, shown))

    @cached_property
    def _quoted(self) -> tuple[Quoted, ...]:
        return tuple(quoted(one) for one in self.playbook.evidence.values())

    @cached_property
    def _known(self) -> tuple[str, ...]:
        """The names that need no evidence."""
        personas = self.playbook.priority_personas
        people = (person_of(persona.contact) for persona in personas if persona.contact)
        return (*(persona.title for persona in personas), *people)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        """Texts with the names that have been given: by the pages, by the user, and by the deal."""
        playbook = self.playbook
        given = playbook.context.text if playbook.context else ""
        quotes = (f"{one.page_title}\n{one.label}\n{one.quote}" for one in playbook.evidence.values())
        return (playbook.vendor.name, playbook.prospect.name, given, *self._known, *quotes)


def _in_short(finding: Value) -> str:
    found = next((claim.text for claim in claims(finding)), getattr(finding, "text", ""))
    return f"“{_shortened(found)}”"


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_SHOWN else f"{line[: LONGEST_SHOWN - 3].rsplit(' ', 1)[0]}..."
