"""What supports a sentence that cites nothing, among all that a playbook quotes; judged by rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, cast

from octave_mcp.copywriting.letterhead import person_of
from octave_mcp.domain.evidence import Evidence, EvidenceId, Finding, Support
from octave_mcp.domain.playbook import Playbook, Touch
from octave_mcp.domain.sentence import Score, Sentence
from octave_mcp.domain.value import Value, located
from octave_mcp.evidence.claims import claims
from octave_mcp.evidence.judge import texts_of
from octave_mcp.evidence.plans import dated, in_field, without_offered, without_plans
from octave_mcp.evidence.support import Quoted, Statement, problems, quoted, support
from octave_mcp.evidence.support.naming import names, strange
from octave_mcp.evidence.support.quantities import quantities
from octave_mcp.evidence.support.wording import wording

LOOKED_AT = 8
"""Quotations that are compared with a sentence."""
LONGEST_SHOWN = 120
"""Characters of a sentence in a warning."""
FEWEST = 3
"""Words of content: two may stand anywhere."""
LIKE = 0.34
"""The share of a sentence's words that a quotation has to have to be about the same."""
SURE = 0.6
"""The share from which a quotation is taken to say it, if no rule objects."""
UNSAID = Support(verdict="not", judge="rules", reason="no quotation in this playbook says so")


class _Near(NamedTuple):
    """A quotation, the share of the sentence's words that it has, and the rules' verdict."""

    evidence: Evidence
    share: float
    support: Support

    @property
    def rank(self) -> tuple[int, float]:
        verdicts = ("supported", "partly", "unjudged", "not")
        verdict = self.support.verdict
        is_sure = verdict == "unjudged" and self.share >= SURE
        return (0 if is_sure else verdicts.index(verdict)), -self.share


@dataclass(frozen=True)
class Sources:
    """What a playbook quotes."""

    playbook: Playbook

    def judged(self, finding: Any) -> Any:  # noqa: ANN401 - a finding of any kind
        """With the rules' verdict on its own evidence; a sentence that cites nothing gets the evidence that it has."""
        if isinstance(finding, Sentence):
            return self._sentence(cast("Sentence[EvidenceId]", finding))
        found = next((claim for claim in claims(finding) if not claim.at), None)
        if found is None:
            is_claim = getattr(finding, "how_known", "named") != "missing"
            return finding.model_copy(update={"support": UNSAID if is_claim else None})
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
        if text.rstrip("\"”’') ").endswith(("?", "？", "؟")):
            return {"kind": "question", "support": None}
        best = min(self._near(text), key=lambda near: near.rank, default=None)
        if best and (best.rank[0] == 0 or best.support.verdict == "partly"):
            return {"evidence": (best.evidence.id,), "support": best.support}
        if best or self._may_claim(text):
            return {"support": UNSAID}
        return {"kind": "courtesy", "support": None}

    def _may_claim(self, text: str) -> bool:
        """Whether it has a figure, but of a plan or an offer, or a name that nobody has given."""
        own = without_plans(without_offered(text))
        return bool(quantities(own)) or bool(strange(names(text), self._names))

    def _near(self, text: str) -> list[_Near]:
        """The quotations that are about the same."""
        words = self._statement(text, "fact", ()).content
        if len(words) < FEWEST:
            return []
        counts = ((sum(not word.keys.isdisjoint(keys) for word in words), one) for one, keys in self._worded)
        shares = [(count / len(words), one) for count, one in counts if count and count / len(words) >= LIKE]
        nearest = sorted(shares, key=lambda found: -found[0])[:LOOKED_AT]
        return [_Near(one, share, self._support(text, (one.id,), "fact")) for share, one in nearest]

    def warnings(self, part: object, owner: object, field: str) -> Iterator[str]:
        """What the rules say of a part; `owner` has it in this field, if it is a text."""
        if isinstance(part, str) and isinstance(owner, Value):
            yield from self._of_text(part, owner, field)
        for _, value in located(part):
            verdict: Support | None = getattr(value, "support", None)
            if isinstance(value, Finding):
                if verdict and verdict.verdict in {"partly", "not"}:
                    yield f"{_in_short(cast('Value', value))}: {verdict.reason}."
            elif not isinstance(value, Score):
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
    def _worded(self) -> list[tuple[Evidence, frozenset[str]]]:
        return [(one, wording(f"{one.label} {one.quote}").keys) for one in self.playbook.evidence.values()]

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
