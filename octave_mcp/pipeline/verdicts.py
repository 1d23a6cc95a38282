"""Applies a model's verdicts: what is supported in part is corrected or marked, what is not supported is dropped."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from octave_mcp.domain.company import Role
from octave_mcp.domain.evidence import Cite, Evidence, EvidenceId, Finding, Support
from octave_mcp.domain.notices import Gap
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.prospect import BuyerPersona
from octave_mcp.domain.sentence import Sentence
from octave_mcp.domain.value import Path, Value, changed, located
from octave_mcp.evidence.checks import DEPENDS, Problem
from octave_mcp.evidence.claims import UNJUDGED, VERBATIM, FoundClaim, claims, is_verbatim
from octave_mcp.evidence.coherence import without
from octave_mcp.evidence.injection import addresses_model
from octave_mcp.evidence.passages import as_passage
from octave_mcp.pipeline.run import Run
from octave_mcp.pipeline.verifier import Subject, Verdicts

V = TypeVar("V", bound=Value)

# Without a sentence there, no playbook is made: its last one is marked, and stays.
MANDATORY = "whom_to_approach"
# How long a correction may be: a factor, and characters more.
LONGER, A_FEW_WORDS = 1.3, 20
_MARKS = re.compile(r"[<>*`|#\[\]]|://")
GENERAL_REASON = "the quotation does not say all of it"
# The rules for reasons, which are shown and may name what is wrong: no strange names, no addresses.
_OF_REASONS = frozenset({"D4", "D36"})


class Applied(NamedTuple, Generic[V]):
    """The value with its verdicts, and why statements were dropped."""

    value: V
    dropped: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Corrector:
    """Checks what a model writes about claims. `known` are the names that need no evidence, `companies` both names.

    `faults` counts what is wrong with a draft by the rules for copy.
    """

    run: Run
    known: tuple[str, ...]
    companies: Mapping[Role, str]

    def applied(
        self, subject: Subject, value: V, verdicts: Verdicts, faults: Callable[[V], int] = lambda _: 0
    ) -> Applied[V]:
        """The value, which is that of the subject, with these verdicts."""
        found = {claim.at: claim for claim in claims(value) if claim.at in verdicts}
        supports = {at: self._shown(verdicts[at].support, claim, subject) for at, claim in found.items()}
        texts = self._corrections(subject, value, verdicts, found, faults)
        supports |= {at: Support(verdict="supported", judge=supports[at].judge) for at in texts}
        judged = _with(value, found, supports, texts)
        coherent = without(judged, gone := _refused(value, supports), known=self.known, language=self._language)
        dropped = [*(Problem("D40", "", at) for at in gone), *(Problem(DEPENDS, "", at) for at in coherent.dependents)]
        return Applied(judged, ()) if coherent.value is None else Applied(coherent.value, tuple(dropped))

    def _corrections(
        self, subject: Subject, value: V, verdicts: Verdicts, found: Mapping[Path, FoundClaim],
        faults: Callable[[V], int],
    ) -> dict[Path, str]:  # fmt: skip
        """The corrected texts that pass the checks, and make a draft no worse by the rules for copy."""
        doubted = {at: claim for at, claim in found.items() if verdicts[at].support.verdict == "partly" and claim.field}
        offered = {at: _without_label(verdicts[at].better, claim) for at, claim in doubted.items()}
        sound = {at: text for at, text in offered.items() if self._is_sound(text, found[at], subject)}
        most, texts = faults(value) if sound else 0, dict[Path, str]()
        for at, better in sound.items():
            if faults(_with(value, found, {}, {**texts, at: better})) <= most:
                texts[at] = better
        return texts

    def _is_sound(self, better: str, claim: FoundClaim, subject: Subject) -> bool:
        is_harmless = _is_in_its_style(better, claim.text) and not addresses_model(better)
        return is_harmless and not self._problems(better, claim, subject.cited(claim))

    def _shown(self, support: Support, claim: FoundClaim, subject: Subject) -> Support:
        """Its reason is read by people: one that names what neither the claim nor its quotations do is replaced."""
        if not support.reason or support.verdict == "unjudged":
            return support
        cited = subject.cited(claim)
        said = (*cited, cited[0].model_copy(update={"quote": f"{claim.label} {claim.text}"}))
        strange = any(problem.rule in _OF_REASONS for problem in self._problems(support.reason, claim, said))
        if strange or addresses_model(support.reason):
            return support.model_copy(update={"reason": GENERAL_REASON})
        return support

    def _problems(self, text: str, claim: FoundClaim, cited: Sequence[Evidence]) -> list[Problem]:
        shown = tuple(as_passage(one, number) for number, one in enumerate(cited, 1))
        judge = self.run.judge(shown, tuple(one.role for one in cited), self.known, self.companies)
        cites = tuple(Cite(passage=number) for number in range(1, len(cited) + 1))
        return judge.every_problem(Sentence[Cite](text=text, kind=claim.kind, evidence=cites))

    @property
    def _language(self) -> str:
        return self.run.request.language


def _with(value: V, found: Mapping[Path, FoundClaim], supports: Mapping[Path, Support], texts: Mapping[Path, str]) -> V:
    """The value with these verdicts and texts of its claims."""
    verdicts = {found[at].verdict_at: support for at, support in supports.items()}
    return changed(value, {**verdicts, **{found[at].text_at: text for at, text in texts.items()}})


def _refused(value: Value, supports: Mapping[Path, Support]) -> set[Path]:
    """The claims to drop. Personas stay, since copy is written for them; their verdict is shown."""
    refused = {at for at, support in supports.items() if support.verdict == "not"}
    stays = {at for at, part in located(value) if isinstance(part, BuyerPersona)}
    return refused - stays - _last_mandatory(value, refused)


def with_every_verdict(playbook: Playbook, *, by_model: bool) -> Playbook:
    """Sets the verdict of each claim that nobody judged: supported if its quotation has it word for word.

    If a model was to judge, a gap counts the claims that nobody did.
    """

    def verdict(claim: FoundClaim) -> Support:
        if claim.support and claim.support.verdict != "unjudged":
            return claim.support
        quotes = [playbook.evidence[i].quote for i in claim.evidence if i in playbook.evidence]
        return VERBATIM if is_verbatim(claim, quotes) else claim.support or UNJUDGED

    new = {claim.verdict_at: found for claim in claims(playbook) if (found := verdict(claim)) is not claim.support}
    done = changed(playbook, new)
    return done.model_copy(update={"gaps": (*done.gaps, *_unjudged(done))}) if by_model else done


def _unjudged(playbook: Playbook) -> Iterator[Gap]:
    """How many claims nobody judged, for each reason."""
    supports = [claim.support for claim in claims(playbook) if claim.support]
    reasons = Counter(support.reason for support in supports if support.verdict == "unjudged")
    for why, count in reasons.most_common():
        told = "1 claim was judged by nobody" if count == 1 else f"{count} claims were judged by nobody"
        yield Gap(section="evidence", code="unjudged", reason=f"{told}: {why}", would_fill=_WOULD_FILL)


_WOULD_FILL = "reading the quotations beside them, or another run with a model that judges (OCTAVE_VERIFY_MODEL)"


def _without_label(text: str, claim: FoundClaim) -> str:
    return " ".join(text.removeprefix(f"{claim.label}:").split()) if claim.label else " ".join(text.split())


def _is_in_its_style(better: str, text: str) -> bool:
    """Whether it is another text, not much longer, and without marks that the text has not."""
    is_longer = len(better) > LONGER * len(text) + A_FEW_WORDS
    return (
        bool(better) and better != text and not is_longer and set(_MARKS.findall(better)) <= set(_MARKS.findall(text))
    )


def _last_mandatory(value: Value, refused: set[Path]) -> set[Path]:
    """The first sentence where all that a playbook cannot do without would be dropped."""
    spared: set[Path] = set()
    for at, part in located(value):
        found: tuple[Finding[EvidenceId], ...] = getattr(part, MANDATORY, ())
        places = [(*at, MANDATORY, place) for place in range(len(found))]
        if places and refused.issuperset(places):
            spared.add(places[0])
    return spared
