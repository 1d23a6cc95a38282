"""Revises parts of a playbook as the user instructs, with the same rules and checks as for the first draft."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, cast

from octave_mcp.asks.corrections import Checked, Checks, corrected
from octave_mcp.asks.prompts import ask_for
from octave_mcp.asks.untrusted import plain
from octave_mcp.concurrency.computing import computed
from octave_mcp.concurrency.together import together
from octave_mcp.copywriting.emails import EmailMaterial
from octave_mcp.copywriting.origins import Origin, Writer, origins
from octave_mcp.domain.asks import Ask, Names, RevisionBrief
from octave_mcp.domain.drafts import Drafts
from octave_mcp.domain.evidence import Evidence
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.run import Revision
from octave_mcp.domain.value import Path, Value, is_within
from octave_mcp.domain.versions import Version
from octave_mcp.errors import BadAnswer, InputError, UpstreamError
from octave_mcp.evidence.checks import RULES, Problem
from octave_mcp.evidence.claims import claims
from octave_mcp.evidence.dates import date_in_words
from octave_mcp.evidence.interest import Interest
from octave_mcp.pipeline.revised_parts import ROOM, UNVERIFIED_ROOM, Part, moved
from octave_mcp.pipeline.run import Run
from octave_mcp.pipeline.splicing import Rewritten
from octave_mcp.pipeline.verify import Draft, Verification
from octave_mcp.pipeline.writers import in_language, of_emails

# Each revision uses two prompts: the prompt for revisions, and the prompt with the rules for the kind of sales copy.
_PROMPTS: Mapping[Writer, tuple[str, ...]] = {
    "summary": ("playbook/revise", "playbook/summary"),
    "card": ("playbook/revise", "playbook/battle_card"),
    "sequence": ("playbook/revise", "playbook/email_sequence"),
    "talk_track": ("playbook/revise", "playbook/talk_track"),
}
_RELATIONS = {"existing_customer": "{prospect} is already a customer of {vendor}."}


class Revised(NamedTuple):
    """The revised parts of a playbook.

    `omissions` are sentences that explain which text was dropped or could not be written.
    """

    new: Rewritten
    omissions: tuple[str, ...]


async def revise(run: Run, revision: Revision, base: Version) -> Revised:
    """Revise the section that the revision names.

    Raises:
        UpstreamError: If no part was written, or no part passed the checks.
    """
    drafts = drafts_of(base)
    parts = await computed(origins, base.playbook, drafts, revision.section)
    editor = await computed(Editor, run, base.playbook, drafts, revision.instruction)
    run.progress.plan(len(parts))
    answers = await together(*(editor.written(origin, f"part-{at}") for at, origin in enumerate(parts, 1)))
    done = {origin: answer for origin, answer in zip(parts, answers, strict=True) if isinstance(answer, Checked)}
    failed = [answer for answer in answers if isinstance(answer, UpstreamError)]
    if not done:
        raise failed[0]
    evidence = {item.id: item for answer in done.values() for item in answer.evidence}
    values = {origin: answer.value for origin, answer in done.items()}
    dropped = [gap.reason for answer in done.values() for gap in answer.gaps if gap.code == "dropped_by_check"]
    return Revised(Rewritten(values, evidence, revision.instruction), (*dropped, *map(str, failed)))


def drafts_of(version: Version) -> Drafts:
    """Return the drafts of a version.

    Raises:
        InputError: If the version is from an earlier release, which stored no drafts.
    """
    if version.drafts is None:
        raise InputError(
            f"version {version.meta.number} of the playbook is from an earlier release, which stored no "
            "drafts, so it cannot be revised; generate the playbook again, or edit the part yourself"
        )
    return version.drafts


class Editor:
    """Has a model rewrite parts of a playbook's drafts, and checks the answers."""

    def __init__(self, run: Run, playbook: Playbook, drafts: Drafts, instruction: str) -> None:
        self._playbook, self._drafts, self._instruction = playbook, drafts, instruction
        context = drafts.given_with(instruction)
        self._run = replace(run, request=run.request.model_copy(update={"context": context}))
        self._names = Names(vendor=playbook.vendor.name, prospect=playbook.prospect.name)
        self._verification = Verification(self._run, self._names, drafts.known, drafts.evidence)

    async def written(self, origin: Origin, name: str) -> Checked[Any] | UpstreamError:
        """Return the new text of a part, or the error. The journal records the ask under `name`."""
        try:
            return await self._written(origin, name)
        except UpstreamError as failed:
            return failed
        finally:
            self._run.progress("wrote and checked a part", units=1)

    async def _written(self, origin: Origin, name: str) -> Checked[Any]:
        part = await computed(Part, self._drafts, origin, self._interest, self._room)
        judge = self._run.judge(part.passages, part.roles, self._drafts.known, self._names.by_role)
        rules = _Rules(part, origin.writer, self._drafts, self._run.request.context)
        ask, language = self._ask(part, origin), self._run.request.language
        checks = Checks(await computed(part.judge, judge), part.into, rules.problems, language)
        checked = await corrected(ask, checks, self._run.within(name).asks())
        await self._verification.ask_about_copy(checked, name)
        checked = await self._verification.with_verdicts(Draft(checked, origin.writer, rules.problems))
        if not isinstance(checked, Checked):
            raise checked
        _check_left(checked, part)
        return replace(checked, value=part.of(checked.value))

    @property
    def _room(self) -> int:
        """Maximum number of bytes of material in one ask.

        The maximum is higher if the revision is not verified, because verification also costs tokens. A connected
        client is not asked to verify a revision, because a revision should take only one question.
        """
        verifier = self._run.verifier
        return ROOM if verifier and not verifier.model.capacity.is_answered_by_client else UNVERIFIED_ROOM

    @property
    def _interest(self) -> Interest:
        return Interest(self._instruction, self._names.prospect)

    def _ask(self, part: Part, origin: Origin) -> Ask[Any, RevisionBrief]:
        persona = "" if origin.rank is None else self._drafts.personas[origin.rank].title
        context = self._playbook.context
        brief = RevisionBrief(
            names=self._names,
            context=context.text if context else "",
            instruction=self._instruction,
            part=part.text,
            surroundings=part.surroundings,
            facts=tuple(self._facts()),
            persona=persona,
            place=cast("int", part.at[1]) if part.at[:1] == ("touches",) else None,
        )
        prompts, language = _PROMPTS[origin.writer], self._run.request.language
        return ask_for(prompts, language=language, brief=brief, passages=part.passages, answer=part.form)

    def _facts(self) -> Iterator[str]:
        yield f"Today is {date_in_words(self._drafts.read_on.isoformat())}."
        names = {"vendor": plain(self._names.vendor), "prospect": plain(self._names.prospect)}
        yield from (_RELATIONS[flag.code].format(**names) for flag in self._playbook.flags if flag.code in _RELATIONS)


def _check_left(checked: Checked[Any], part: Part) -> None:
    """Raise BadAnswer if no part of the answer can be used."""
    is_rejected = any(claim.support and claim.support.verdict == "not" for claim in claims(checked.value))
    if is_rejected or not part.is_left(checked.value):
        reasons = [gap.reason for gap in checked.gaps] or [RULES["D40"] if is_rejected else "no page supports it"]
        raise BadAnswer(f"none of the new text can be used: {'; '.join(reasons)}")


class _Rules:
    """Checks a revised part against the rules for sales copy.

    A part of an e-mail is checked together with its whole sequence, because some rules compare e-mails.
    """

    def __init__(self, part: Part, writer: Writer, drafts: Drafts, given: str) -> None:
        self._part, self._writer, self._drafts, self._given = part, writer, drafts, given
        # Ignore problems that the rest of the sequence already had, because the revised part did not cause them.
        earlier = self._of_sequence(part.draft, ()) if writer == "sequence" else ()
        self._earlier = {(problem.rule, problem.at) for problem in earlier}

    def problems(self, answer: Value, evidence: tuple[Evidence, ...]) -> list[Problem]:
        if self._writer != "sequence":
            return in_language(answer, self._drafts.language)
        part, field = self._part, (self._part.field,) if self._part.field else ()
        problems = self._of_sequence(part.in_draft(answer), evidence)
        return [
            moved(problem, part.at, field) if is_within(problem.at, part.at) else replace(problem, at=())
            for problem in problems
            if is_within(problem.at, part.at) or self._is_new(problem, part.at)
        ]

    def _is_new(self, problem: Problem, at: Path) -> bool:
        return not problem.is_soft and (problem.rule, problem.at) not in self._earlier and bool(at)

    def _of_sequence(self, draft: Value, evidence: tuple[Evidence, ...]) -> list[Problem]:
        known_evidence = self._drafts.evidence | {item.id: item for item in evidence}
        material = EmailMaterial(known_evidence, self._drafts.known, self._given)
        return of_emails(cast("Any", draft), material, self._drafts.language)
