"""Applies verdicts to claims: partly supported claims are corrected or marked, and unsupported claims are dropped."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from octave_mcp.copywriting.rubric import absolutes
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

# A playbook needs at least one sentence in the field `whom_to_approach`. If the model rejects all sentences in the
# field, the first sentence stays and is marked.
MANDATORY = "whom_to_approach"
# Maximum length of a correction: the length of its claim times `MAX_GROWTH`, plus `MAX_EXTRA_CHARACTERS`.
MAX_GROWTH, MAX_EXTRA_CHARACTERS = 1.3, 20
# Matches markup characters and the '://' of URLs. A correction must not contain one that its claim does not contain.
_MARKS = re.compile(r"[<>*`|#\[\]]|://")
GENERAL_REASON = "the quotation does not support the whole claim"
# Users see the reasons for verdicts, so the rules against unknown names and URLs apply to reasons. Other rules do not
# apply to reasons, because a reason must say what is wrong with a claim.
_REASON_RULES = frozenset({"D4", "D36"})


class Applied(NamedTuple, Generic[V]):
    """A draft or findings after the verdicts were applied, and a `Problem` for each dropped claim."""

    value: V
    dropped: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Corrector:
    """Applies a model's verdicts, after checking the corrections and reasons that the model gave.

    - `known`: names that claims can use without evidence.
    - `companies`: the names of both companies.
    """

    run: Run
    known: tuple[str, ...]
    companies: Mapping[Role, str]

    def applied(
        self, subject: Subject, value: V, verdicts: Verdicts, faults: Callable[[V], int] = lambda _: 0
    ) -> Applied[V]:
        """Apply the verdicts to the value. `faults` returns how many rules for sales copy the value breaks."""
        found = {claim.at: claim for claim in claims(value) if claim.at in verdicts}
        supports = {at: self._shown(verdicts[at].support, claim, subject) for at, claim in found.items()}
        texts = self._corrections(subject, value, verdicts, found, faults)
        # A corrected claim counts as supported, because the model that doubted the claim wrote the new text.
        supports |= {at: Support(verdict="supported", judge=supports[at].judge) for at in texts}
        judged = _with(value, found, supports, texts)
        coherent = without(judged, gone := _rejected(value, supports), known=self.known, language=self._language)
        dropped = [*(Problem("D40", "", at) for at in gone), *(Problem(DEPENDS, "", at) for at in coherent.dependents)]
        # If nothing usable would remain, keep the rejected claims and mark them, because an empty draft is of no use.
        return Applied(judged, ()) if coherent.value is None else Applied(coherent.value, tuple(dropped))

    def _corrections(
        self, subject: Subject, value: V, verdicts: Verdicts, found: Mapping[Path, FoundClaim],
        faults: Callable[[V], int],
    ) -> dict[Path, str]:  # fmt: skip
        """Return the corrected texts that pass the checks and break no more rules than the uncorrected texts."""
        doubted = {at: claim for at, claim in found.items() if verdicts[at].support.verdict == "partly" and claim.field}
        offered = {at: _without_label(verdicts[at].better, claim) for at, claim in doubted.items()}
        sound = {at: text for at, text in offered.items() if self._is_sound(text, found[at], subject)}
        max_faults, texts = faults(value) if sound else 0, dict[Path, str]()
        # Add corrections one at a time and check the draft after each one. For example, two corrections can together
        # exceed a maximum number of words that each of them alone does not exceed.
        for at, better in sound.items():
            if faults(_with(value, found, {}, {**texts, at: better})) <= max_faults:
                texts[at] = better
        return texts

    def _is_sound(self, better: str, claim: FoundClaim, subject: Subject) -> bool:
        is_harmless = _is_acceptable(better, claim.text) and not addresses_model(better)
        cited = subject.cited(claim)
        # A battle card would drop an absolute claim that no quotation makes, even if the page's title makes it.
        quotes = [item.quote for item in cited]
        is_kept = not absolutes(better, quotes) or absolutes(claim.text, quotes)
        return is_harmless and is_kept and not self._problems(better, claim, cited)

    def _shown(self, support: Support, claim: FoundClaim, subject: Subject) -> Support:
        """If a reason contains invented names, replace the reason with a general one.

        A name counts as invented if neither the claim nor its quotations contain it.
        """
        if not support.reason or support.verdict == "unjudged":
            return support
        cited = subject.cited(claim)
        sources = (*cited, cited[0].model_copy(update={"quote": f"{claim.label} {claim.text}"}))
        is_invented = any(problem.rule in _REASON_RULES for problem in self._problems(support.reason, claim, sources))
        if is_invented or addresses_model(support.reason):
            return support.model_copy(update={"reason": GENERAL_REASON})
        return support

    def _problems(self, text: str, claim: FoundClaim, cited: Sequence[Evidence]) -> list[Problem]:
        shown = tuple(as_passage(item, number) for number, item in enumerate(cited, 1))
        judge = self.run.judge(shown, tuple(item.role for item in cited), self.known, self.companies)
        cites = tuple(Cite(passage=number) for number in range(1, len(cited) + 1))
        return judge.every_problem(Sentence[Cite](text=text, kind=claim.kind, evidence=cites))

    @property
    def _language(self) -> str:
        return self.run.request.language


def _with(value: V, found: Mapping[Path, FoundClaim], supports: Mapping[Path, Support], texts: Mapping[Path, str]) -> V:
    verdicts = {found[at].verdict_at: support for at, support in supports.items()}
    return changed(value, {**verdicts, **{found[at].text_at: text for at, text in texts.items()}})


def _rejected(value: Value, supports: Mapping[Path, Support]) -> set[Path]:
    """Return the paths of the claims to drop.

    Personas are never dropped, because e-mails and call scripts were written for them. A rejected persona is shown with
    its verdict.
    """
    rejected = {at for at, support in supports.items() if support.verdict == "not"}
    personas = {at for at, part in located(value) if isinstance(part, BuyerPersona)}
    return rejected - personas - _spared_mandatory(value, rejected)


def with_every_verdict(playbook: Playbook, *, by_model: bool) -> Playbook:
    """Give a verdict to each claim that has none.

    The verdict is "supported" if a quotation contains the claim word for word, and "unjudged" otherwise. If `by_model`
    is true, add a `Gap` with the number of unjudged claims, because a model should have judged all claims.
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
    """For each reason why claims were not judged, yield a `Gap` that contains the number of these claims."""
    supports = [claim.support for claim in claims(playbook) if claim.support]
    reasons = Counter(support.reason for support in supports if support.verdict == "unjudged")
    for why, count in reasons.most_common():
        counted = "1 claim was not judged" if count == 1 else f"{count} claims were not judged"
        yield Gap(section="evidence", code="unjudged", reason=f"{counted}: {why}", would_fill=_WOULD_FILL)


_WOULD_FILL = (
    "a person who compares the claims with their quotations, or another run with a model that judges claims "
    "(OCTAVE_VERIFY_MODEL)"
)


def _without_label(text: str, claim: FoundClaim) -> str:
    # Remove the label from the correction: the ask shows the label before the claim, and models sometimes repeat it.
    return " ".join(text.removeprefix(f"{claim.label}:").split()) if claim.label else " ".join(text.split())


def _is_acceptable(better: str, text: str) -> bool:
    is_longer = len(better) > MAX_GROWTH * len(text) + MAX_EXTRA_CHARACTERS
    return (
        bool(better) and better != text and not is_longer and set(_MARKS.findall(better)) <= set(_MARKS.findall(text))
    )


def _spared_mandatory(value: Value, rejected: set[Path]) -> set[Path]:
    """If all sentences in a mandatory field were rejected, return the path of the first sentence, which is kept."""
    spared: set[Path] = set()
    for at, part in located(value):
        sentences: tuple[Finding[EvidenceId], ...] = getattr(part, MANDATORY, ())
        places = [(*at, MANDATORY, place) for place in range(len(sentences))]
        if places and rejected.issuperset(places):
            spared.add(places[0])
    return spared
