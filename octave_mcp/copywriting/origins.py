"""Finds out which parts of the models' drafts became a given part of a playbook."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple, cast

from octave_mcp.copywriting.emails import DAYS
from octave_mcp.domain.drafts import Drafts
from octave_mcp.domain.evidence import EvidenceId, Finding
from octave_mcp.domain.parts import place_of
from octave_mcp.domain.playbook import (
    ExecutiveSummary,
    PersonaPoints,
    Playbook,
    SequenceDraft,
    SummaryDraft,
    Touch,
    TouchDraft,
)
from octave_mcp.domain.value import Path, Value, only, part_at
from octave_mcp.errors import InputError

Writer = Literal["summary", "card", "sequence", "talk_track"]
# Number of steps in the path from a sequence to one of its touches.
OF_TOUCH = len(("touches", 0))
# These fields identify a persona, e-mail, seat or card in every version of a playbook. If an entry has several of these
# fields, the first of them identifies the entry.
_IDENTITY = ("persona_id", "day", "seat", "id", "kind")


class Origin(NamedTuple):
    """A part of a draft.

    `draft`: path of the draft within `Drafts`. `at`: path of the part within the draft. `unit`: path of the part
    of the playbook, such as one e-mail, in which this part of the draft is used. If the draft changes, the unit must be
    assembled and scored again. `rank`: index of the persona, or None if the draft is not for a persona.
    """

    writer: Writer
    draft: Path
    at: Path
    unit: Path
    rank: int | None = None

    @property
    def path(self) -> Path:
        return (*self.draft, "value", *self.at)

    @property
    def is_unit(self) -> bool:
        """Whether this part of the draft is a whole draft, the whole executive summary or a whole e-mail."""
        return self.at in {(), ("executive_summary",)} or (self.at[:1] == ("touches",) and len(self.at) == OF_TOUCH)


def identity(entry: object) -> object:
    """Return the value that identifies a list entry in every version of a playbook.

    Return None if the entry has no such value.
    """
    return next((value for name in _IDENTITY if (value := getattr(entry, name, None)) is not None), None)


def origins(playbook: Playbook, drafts: Drafts, name: str) -> tuple[Origin, ...]:
    """Return the origins of a part, such as 'email_sequences.persona-1.touches[2]'.

    Raises:
        UnknownName: If the playbook has no part with this name; the message lists the parts.
        InputError: If the part was not written by a model; the message lists the parts that a model wrote.
    """
    section, *rest = place_of(playbook, name)
    if section not in _ORIGINS:
        raise InputError(
            f"{section!r} is not written by a model; choose one of {', '.join(REVISABLE)}, or a part of it"
        )
    return tuple(_ORIGINS[str(section)](playbook, drafts, (section, *rest)))


def _of_summary(playbook: Playbook, drafts: Drafts, path: Path) -> Iterator[Origin]:
    section = str(path[0])
    yield _origin("summary", drafts, ("summary",), (section,), getattr(playbook, section), path[1:], path[:1])


def _of_executive_summary(playbook: Playbook, drafts: Drafts, path: Path) -> Iterator[Origin]:
    _check_written(path[1:], ExecutiveSummary)
    yield from _of_summary(playbook, drafts, path)


def _of_fit(playbook: Playbook, drafts: Drafts, path: Path) -> Iterator[Origin]:
    form = only(SummaryDraft[EvidenceId], ("reasons_against", "when_not_to_sell"))
    _check_written(path[1:], form)
    for name in path[1:2] or form.model_fields:
        shown = getattr(playbook.fit, str(name))
        yield _origin("summary", drafts, ("summary",), (name,), shown, path[2:], ("fit", name))


def _of_committee(playbook: Playbook, drafts: Drafts, path: Path) -> Iterator[Origin]:
    at: Path = ("committee",)
    if path[1:]:
        seats = [seat.seat for seat in drafts.summary.value.committee] if drafts.summary else []
        at = ("committee", _index_of(seats, playbook.buying_committee[cast("int", path[1])].seat))
    yield _origin("summary", drafts, ("summary",), at, None, (), path[:1])


def _of_personas(playbook: Playbook, drafts: Drafts, path: Path) -> Iterator[Origin]:
    _check_written(path[2:], PersonaPoints)
    points = [entry.persona_id for entry in drafts.summary.value.personas] if drafts.summary else []
    for index in _indexes(playbook, path):
        persona = playbook.priority_personas[index]
        if path[1:] or persona.id in points:
            place = ("personas", _index_of(points, persona.id))
            unit, rank = ("priority_personas", index), _rank(drafts, persona.id)
            yield _origin("summary", drafts, ("summary",), place, persona, path[2:], unit, rank)


def _of_sequences(playbook: Playbook, drafts: Drafts, path: Path) -> Iterator[Origin]:
    _check_written(path[2:], SequenceDraft)
    for index in _indexes(playbook, path):
        rank = _rank(drafts, playbook.email_sequences[index].persona_id)
        draft_path, unit = ("sequences", rank), ("email_sequences", index)
        if path[3:]:
            touch = playbook.email_sequences[index].touches[cast("int", path[3])]
            place = ("touches", DAYS.index(touch.day))
            draft = cast("TouchDraft[EvidenceId]", part_at(drafts, (*draft_path, "value", *place)))
            yield _origin(
                "sequence", drafts, draft_path, place, draft, _path_in_draft(touch, draft, path[4:]), path[:4], rank
            )
        else:
            yield _origin("sequence", drafts, draft_path, (), None, (), unit, rank)


def _path_in_draft(touch: Touch, draft: TouchDraft[EvidenceId], path: Path) -> Path:
    """Convert a path in an e-mail to the corresponding path in its draft.

    The paths differ, because a draft has paragraphs of sentences, but an e-mail has a body and a flat list of
    sentences.
    """
    if path[:1] not in {("body",), ("sentences",)}:
        return path
    places = [(row, place) for row, paragraph in enumerate(draft.paragraphs) for place in range(len(paragraph))]
    is_single = path[0] == "sentences" and path[1:] and len(places) == len(touch.sentences)
    return ("paragraphs", *(places[cast("int", path[1])] if is_single else ()))


def _of_tracks(playbook: Playbook, drafts: Drafts, path: Path) -> Iterator[Origin]:
    for index in _indexes(playbook, path):
        track = playbook.talk_tracks[index]
        rank = _rank(drafts, track.persona_id)
        yield _origin("talk_track", drafts, ("talk_tracks", rank), (), track, path[2:], ("talk_tracks", index), rank)


def _of_cards(playbook: Playbook, drafts: Drafts, path: Path) -> Iterator[Origin]:
    kinds = [card.value.kind if card else "" for card in drafts.cards]
    for index in _indexes(playbook, path):
        card = playbook.battle_cards[index]
        draft_path = ("cards", _index_of(kinds, card.kind))
        yield _origin("card", drafts, draft_path, (), card, path[2:], ("battle_cards", index))


def _indexes(playbook: Playbook, path: Path) -> Sequence[int]:
    """If the path names one entry of a section, return the index of this entry.

    Otherwise, return the indexes of all entries.
    """
    return [cast("int", path[1])] if path[1:] else range(len(getattr(playbook, str(path[0]))))


def _origin(
    writer: Writer,
    drafts: Drafts,
    draft_path: Path,
    at: Path,
    shown: object,
    rest: Path,
    unit: Path,
    rank: int | None = None,
) -> Origin:
    """Return the origin of a part.

    `shown`: the section or entry of the playbook that contains the part. `rest`: path of the part within `shown`. `at`:
    path of the counterpart of `shown` in the draft.
    """
    if part_at(drafts, draft_path) is None:
        raise InputError(
            "its writer failed, so there is no draft to change; generate the playbook again, or edit the part"
        )
    draft = part_at(drafts, (*draft_path, "value", *at))
    return Origin(writer, draft_path, (*at, *_aligned(shown, draft, rest)), unit, rank)


def _aligned(shown: object, draft: object, path: Path) -> Path:
    """Convert a path in a part of the playbook to the corresponding path in its draft.

    If the path leads into a finding, return the path of the whole finding, because findings cannot be revised in parts.
    """
    if not path or isinstance(draft, Finding):
        return ()
    step = path[0]
    if isinstance(step, str):
        _check_written(path, type(cast("Value", draft)))
        return (step, *_aligned(getattr(shown, step), getattr(draft, step), path[1:]))
    shown_entries, draft_entries = cast("Sequence[object]", shown), cast("Sequence[object]", draft)
    # If the checks have dropped entries, the playbook and the draft have different indexes, so entries are matched by
    # their texts.
    index = (
        step
        if len(shown_entries) == len(draft_entries)
        else _index_of([*map(_first_text, draft_entries)], _first_text(shown_entries[step]))
    )
    return (index, *_aligned(shown_entries[step], draft_entries[index], path[1:]))


def _first_text(entry: object) -> str:
    if isinstance(entry, Value):
        return next((text for name in type(entry).model_fields if (text := _first_text(getattr(entry, name)))), "")
    return entry if isinstance(entry, str) else ""


def _index_of(entries: Sequence[str], entry: str) -> int:
    if entry not in entries:
        raise InputError("no model wrote that part; edit it, or choose a part that a model wrote")
    return entries.index(entry)


def _rank(drafts: Drafts, persona_id: str) -> int:
    return _index_of([persona.id for persona in drafts.personas], persona_id)


def _check_written(path: Path, form: type[Value]) -> None:
    """Raise InputError if the path starts with a field that is not written by a model."""
    fields = [name for name in form.model_fields if name not in {"persona_id", "kind"}]
    if path and path[0] not in fields:
        raise InputError(f"{path[0]!r} is not written by a model; choose one of {', '.join(fields)}")


_ORIGINS: dict[str, Callable[[Playbook, Drafts, Path], Iterator[Origin]]] = {
    "executive_summary": _of_executive_summary,
    "priority_personas": _of_personas,
    "buying_committee": _of_committee,
    "fit": _of_fit,
    "email_sequences": _of_sequences,
    "talk_tracks": _of_tracks,
    "battle_cards": _of_cards,
    "quick_wins": _of_summary,
    "success_metrics": _of_summary,
    "trial_plan": _of_summary,
}
# A model can revise only these sections, because only their parts can be traced to a draft.
REVISABLE = tuple(_ORIGINS)
