"""Which parts of the writers' drafts a part of a playbook was put together from."""

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
OF_TOUCH = len(("touches", 0))
# The fields by whose value an entry of a list is the same in two playbooks: the first that it has.
_IDENTITY = ("persona_id", "day", "seat", "id", "kind")


class Origin(NamedTuple):
    """A part of a draft: `draft` is the draft's place in the drafts, `at` that of the part in it.

    `unit` is the part of the playbook that is put together again with it, with its score. The draft is for the persona
    of that `rank`, if it is for one.
    """

    writer: Writer
    draft: Path
    at: Path
    unit: Path
    rank: int | None = None

    @property
    def path(self) -> Path:
        """In the drafts."""
        return (*self.draft, "value", *self.at)

    @property
    def is_unit(self) -> bool:
        """Whether all of the unit comes of it, so that an outline becomes copy if it is written again."""
        return self.at in {(), ("executive_summary",)} or (self.at[:1] == ("touches",) and len(self.at) == OF_TOUCH)


def identity(entry: object) -> object:
    """What makes it the same entry in two playbooks; None if only its place does."""
    return next((found for name in _IDENTITY if (found := getattr(entry, name, None)) is not None), None)


def origins(playbook: Playbook, drafts: Drafts, written: str) -> tuple[Origin, ...]:
    """Those of the part that is called so.

    Raises:
        UnknownName: there is no such part; the text lists those there are.
        InputError: no writer wrote it; the text lists what writers wrote.
    """
    section, *rest = place_of(playbook, written)
    if section not in _ORIGINS:
        raise InputError(f"{section!r} is not written by a model; choose one of {', '.join(_ORIGINS)}, or a part of it")
    return tuple(_ORIGINS[str(section)](playbook, drafts, (section, *rest)))


def _of_summary(playbook: Playbook, drafts: Drafts, path: Path) -> Iterator[Origin]:
    section = str(path[0])
    yield _origin("summary", drafts, ("summary",), (section,), getattr(playbook, section), path[1:], path[:1])


def _of_executive_summary(playbook: Playbook, drafts: Drafts, path: Path) -> Iterator[Origin]:
    _check_field(path[1:], ExecutiveSummary)
    yield from _of_summary(playbook, drafts, path)


def _of_fit(playbook: Playbook, drafts: Drafts, path: Path) -> Iterator[Origin]:
    written = only(SummaryDraft[EvidenceId], ("reasons_against", "when_not_to_sell"))
    _check_field(path[1:], written)
    for name in path[1:2] or written.model_fields:
        shown = getattr(playbook.fit, str(name))
        yield _origin("summary", drafts, ("summary",), (name,), shown, path[2:], ("fit", name))


def _of_committee(playbook: Playbook, drafts: Drafts, path: Path) -> Iterator[Origin]:
    at: Path = ("committee",)
    if path[1:]:
        seats = [seat.seat for seat in drafts.summary.value.committee] if drafts.summary else []
        at = ("committee", _place(seats, playbook.buying_committee[cast("int", path[1])].seat))
    yield _origin("summary", drafts, ("summary",), at, None, (), path[:1])


def _of_personas(playbook: Playbook, drafts: Drafts, path: Path) -> Iterator[Origin]:
    _check_field(path[2:], PersonaPoints)
    points = [one.persona_id for one in drafts.summary.value.personas] if drafts.summary else []
    for at in _places(playbook, path):
        persona = playbook.priority_personas[at]
        if path[1:] or persona.id in points:
            place = ("personas", _place(points, persona.id))
            unit, rank = ("priority_personas", at), _rank(drafts, persona.id)
            yield _origin("summary", drafts, ("summary",), place, persona, path[2:], unit, rank)


def _of_sequences(playbook: Playbook, drafts: Drafts, path: Path) -> Iterator[Origin]:
    _check_field(path[2:], SequenceDraft)
    for at in _places(playbook, path):
        rank = _rank(drafts, playbook.email_sequences[at].persona_id)
        own, unit = ("sequences", rank), ("email_sequences", at)
        if path[3:]:
            touch = playbook.email_sequences[at].touches[cast("int", path[3])]
            place = ("touches", DAYS.index(touch.day))
            draft = cast("TouchDraft[EvidenceId]", part_at(drafts, (*own, "value", *place)))
            yield _origin("sequence", drafts, own, place, draft, _in_draft(touch, draft, path[4:]), path[:4], rank)
        else:
            yield _origin("sequence", drafts, own, (), None, (), unit, rank)


def _in_draft(touch: Touch, draft: TouchDraft[EvidenceId], path: Path) -> Path:
    """The path of a part of an e-mail in its draft, where its text is paragraphs."""
    if path[:1] not in {("body",), ("sentences",)}:
        return path
    places = [(at, place) for at, own in enumerate(draft.paragraphs) for place in range(len(own))]
    is_one = path[0] == "sentences" and path[1:] and len(places) == len(touch.sentences)
    return ("paragraphs", *(places[cast("int", path[1])] if is_one else ()))


def _of_tracks(playbook: Playbook, drafts: Drafts, path: Path) -> Iterator[Origin]:
    for at in _places(playbook, path):
        track = playbook.talk_tracks[at]
        rank = _rank(drafts, track.persona_id)
        yield _origin("talk_track", drafts, ("talk_tracks", rank), (), track, path[2:], ("talk_tracks", at), rank)


def _of_cards(playbook: Playbook, drafts: Drafts, path: Path) -> Iterator[Origin]:
    kinds = [card.value.kind if card else "" for card in drafts.cards]
    for at in _places(playbook, path):
        card = playbook.battle_cards[at]
        own = ("cards", _place(kinds, card.kind))
        yield _origin("card", drafts, own, (), card, path[2:], ("battle_cards", at))


def _places(playbook: Playbook, path: Path) -> Sequence[int]:
    """The place that the path has in its section; else all."""
    return [cast("int", path[1])] if path[1:] else range(len(getattr(playbook, str(path[0]))))


def _origin(
    writer: Writer, drafts: Drafts, own: Path, at: Path, shown: object, rest: Path, unit: Path, rank: int | None = None
) -> Origin:
    """That of the part which stands at the path `rest` of what is `shown`; `at` is where that is in the draft."""
    if part_at(drafts, own) is None:
        raise InputError("nothing was written there: its writer failed; generate the playbook again, or edit it")
    draft = part_at(drafts, (*own, "value", *at))
    return Origin(writer, own, (*at, *_aligned(shown, draft, rest)), unit, rank)


def _aligned(shown: object, draft: object, path: Path) -> Path:
    """The path in the draft of what the playbook shows at a path. What is within a finding is that finding."""
    if not path or isinstance(draft, Finding):
        return ()
    step = path[0]
    if isinstance(step, str):
        _check_field(path, type(cast("Value", draft)))
        return (step, *_aligned(getattr(shown, step), getattr(draft, step), path[1:]))
    ours, theirs = cast("Sequence[object]", shown), cast("Sequence[object]", draft)
    place = step if len(ours) == len(theirs) else _place([*map(_text, theirs)], _text(ours[step]))
    return (place, *_aligned(ours[step], theirs[place], path[1:]))


def _text(entry: object) -> str:
    """What it says first."""
    if isinstance(entry, Value):
        return next((text for name in type(entry).model_fields if (text := _text(getattr(entry, name)))), "")
    return entry if isinstance(entry, str) else ""


def _place(entries: Sequence[str], wanted: str) -> int:
    if wanted not in entries:
        raise InputError("no model wrote that part; edit it, or name a part that was written")
    return entries.index(wanted)


def _rank(drafts: Drafts, persona_id: str) -> int:
    return _place([persona.id for persona in drafts.personas], persona_id)


def _check_field(path: Path, form: type[Value]) -> None:
    """Whether the path begins with a field that writers fill."""
    written = [name for name in form.model_fields if name not in {"persona_id", "kind"}]
    if path and path[0] not in written:
        raise InputError(f"{path[0]!r} is not written by a model; choose one of {', '.join(written)}")


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
