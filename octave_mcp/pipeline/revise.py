"""Rewrites parts of a playbook by an instruction, with the rules and checks of the first writing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, cast

from octave_mcp.asks.corrections import Checked, Checks, corrected
from octave_mcp.asks.prompts import ask_for
from octave_mcp.asks.untrusted import plain
from octave_mcp.concurrency.computing import computed
from octave_mcp.concurrency.together import together
from octave_mcp.copywriting.emails import Material
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

# How to revise, and the prompt whose rules for this kind of copy hold.
_PROMPTS: Mapping[Writer, tuple[str, ...]] = {
    "summary": ("playbook/revise", "playbook/summary"),
    "card": ("playbook/revise", "playbook/battle_card"),
    "sequence": ("playbook/revise", "playbook/email_sequence"),
    "talk_track": ("playbook/revise", "playbook/talk_track"),
}
_RELATIONS = {"existing_customer": "{prospect} is already a customer of {vendor}."}


class Revised(NamedTuple):
    """What was written again; the omissions say what was dropped of it, or could not be written."""

    new: Rewritten
    omissions: tuple[str, ...]


async def revise(run: Run, revision: Revision, base: Version) -> Revised:
    """Raises: UpstreamError: none of the part was written, or none of it can be used."""
    drafts = drafts_of(base)
    found = await computed(origins, base.playbook, drafts, revision.section)
    editor = await computed(Editor, run, base.playbook, drafts, revision.instruction)
    run.progress.plan(len(found))
    answers = await together(*(editor.written(origin, f"part-{at}") for at, origin in enumerate(found, 1)))
    done = {origin: answer for origin, answer in zip(found, answers, strict=True) if isinstance(answer, Checked)}
    failed = [answer for answer in answers if isinstance(answer, UpstreamError)]
    if not done:
        raise failed[0]
    evidence = {one.id: one for answer in done.values() for one in answer.evidence}
    parts = {origin: answer.value for origin, answer in done.items()}
    dropped = [gap.reason for answer in done.values() for gap in answer.gaps if gap.code == "dropped_by_check"]
    return Revised(Rewritten(parts, evidence, revision.instruction), (*dropped, *map(str, failed)))


def drafts_of(version: Version) -> Drafts:
    """Raises: InputError: an earlier release made the version, and stored no drafts."""
    if version.drafts is None:
        raise InputError(
            f"version {version.meta.number} of the playbook is from an earlier release, which stored nothing that can "
            "be revised: generate the playbook again, or edit the part"
        )
    return version.drafts


class Editor:
    """Has parts of the drafts of a playbook written again, and checks what is answered."""

    def __init__(self, run: Run, playbook: Playbook, drafts: Drafts, instruction: str) -> None:
        self._playbook, self._drafts, self._instruction = playbook, drafts, instruction
        context = drafts.given_with(instruction)
        self._run = replace(run, request=run.request.model_copy(update={"context": context}))
        self._names = Names(vendor=playbook.vendor.name, prospect=playbook.prospect.name)
        self._verification = Verification(self._run, self._names, drafts.known, drafts.evidence)

    async def written(self, origin: Origin, name: str) -> Checked[Any] | UpstreamError:
        """What is to stand in the draft in place of the part; `name` is that of its ask in the journal."""
        try:
            return await self._written(origin, name)
        except UpstreamError as failed:
            return failed
        finally:
            self._run.progress("written and checked", units=1)

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
        """A connected client judges no claims of a revision: one question is enough."""
        verifier = self._run.verifier
        return ROOM if verifier and not verifier.model.capacity.is_patient else UNVERIFIED_ROOM

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
            beside=part.beside,
            told=tuple(self._told()),
            persona=persona,
            place=cast("int", part.at[1]) if part.at[:1] == ("touches",) else None,
        )
        prompts, language = _PROMPTS[origin.writer], self._run.request.language
        return ask_for(prompts, language=language, brief=brief, passages=part.passages, answer=part.form)

    def _told(self) -> Iterator[str]:
        yield f"Today is {date_in_words(self._drafts.read_on.isoformat())}."
        names = {"vendor": plain(self._names.vendor), "prospect": plain(self._names.prospect)}
        yield from (_RELATIONS[flag.code].format(**names) for flag in self._playbook.flags if flag.code in _RELATIONS)


def _check_left(checked: Checked[Any], part: Part) -> None:
    """Raises: BadAnswer: none of the answer can be used; the text gives the reasons."""
    is_refused = any(claim.support and claim.support.verdict == "not" for claim in claims(checked.value))
    if is_refused or not part.is_left(checked.value):
        reasons = [gap.reason for gap in checked.gaps] or [RULES["D40"] if is_refused else "no page supports it"]
        raise BadAnswer(f"none of the new text can be used: {'; '.join(reasons)}")


class _Rules:
    """The rules for copy: of an e-mail by its whole sequence, in which the part has its place."""

    def __init__(self, part: Part, writer: Writer, drafts: Drafts, given: str) -> None:
        self._part, self._writer, self._drafts, self._given = part, writer, drafts, given
        known = self._of_sequence(part.draft, ()) if writer == "sequence" else ()
        self._known = {(problem.rule, problem.at) for problem in known}

    def problems(self, answer: Value, evidence: tuple[Evidence, ...]) -> list[Problem]:
        if self._writer != "sequence":
            return in_language(answer, self._drafts.language)
        part, field = self._part, (self._part.field,) if self._part.field else ()
        found = self._of_sequence(part.in_draft(answer), evidence)
        return [
            moved(problem, part.at, field) if is_within(problem.at, part.at) else replace(problem, at=())
            for problem in found
            if is_within(problem.at, part.at) or self._is_new(problem, part.at)
        ]

    def _is_new(self, problem: Problem, at: Path) -> bool:
        """Whether it is elsewhere, and comes of the part."""
        return not problem.is_soft and (problem.rule, problem.at) not in self._known and bool(at)

    def _of_sequence(self, draft: Value, evidence: tuple[Evidence, ...]) -> list[Problem]:
        material = Material(self._drafts.evidence | {one.id: one for one in evidence}, self._drafts.known, self._given)
        return of_emails(cast("Any", draft), material, self._drafts.language)
