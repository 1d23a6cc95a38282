"""The differences between two playbooks, and the names of a playbook's parts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from deal_playbook import deal_playbook
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playbooks import sample_playbook

from octave_mcp.domain.diffs import applied, diff
from octave_mcp.domain.parts import place_of, written
from octave_mcp.domain.playbook import SECTIONS, Playbook
from octave_mcp.domain.value import Path, Value, changed, located, part_at
from octave_mcp.errors import UnknownName

TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - for hypothesis
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(("a.b", "[0]", '["a"]', "0"))
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXTS,
    int: st.integers(0, 9),
    float: st.floats(0, 9),
    bool: st.booleans(),
    NoneType: st.none(),
    datetime: TIMES,
    date: st.dates(),
}


@cache
def any_of(form: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401, PLR0911 - any type of the domain
    """Return a Hypothesis strategy for values of a domain type."""
    if form in PLAIN:
        return PLAIN[form]
    kind, arguments = get_origin(form), get_args(form)
    if kind is Annotated:
        return any_of(arguments[0])
    if kind is Literal:
        return st.sampled_from(arguments)
    if kind in {Union, UnionType}:
        return st.one_of(*map(any_of, arguments))
    if kind is tuple:
        return st.lists(any_of(arguments[0]), max_size=2).map(tuple)
    if kind is dict:
        return st.dictionaries(TEXTS, any_of(arguments[1]), max_size=3)
    fields = {name: any_of(field.annotation) for name, field in form.model_fields.items()}
    return st.deferred(lambda: st.builds(form.model_construct, **fields))


FIELDS = [name for name in Playbook.model_fields if name != "schema_version"]


@dataclass(repr=False)
class Drawn:
    """A playbook with a short repr, because Hypothesis prints every drawn value when a test fails."""

    playbook: Playbook


@st.composite
def playbooks(draw: st.DrawFn) -> Drawn:
    """Draw one of two sample playbooks, and replace some of its parts with random values of the same type."""
    playbook = draw(st.sampled_from((sample_playbook(), deal_playbook())))
    for name in draw(st.lists(st.sampled_from(FIELDS), max_size=3, unique=True)):
        value = draw(any_of(Playbook.model_fields[name].annotation))
        playbook = playbook.model_copy(update={name: value})
    parts = [(*at, name) for at, part in located(playbook) for name in type(part).model_fields if at]
    for path in draw(st.lists(st.sampled_from(parts), max_size=4)):
        if isinstance(owner := part_at(playbook, path[:-1]), Value):
            value = draw(any_of(type(owner).model_fields[str(path[-1])].annotation))
            playbook = changed(playbook, {path: value})
    return Drawn(playbook)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(playbooks(), playbooks())
def test_a_diff_applied_to_one_playbook_gives_the_other(before: Drawn, after: Drawn) -> None:
    changes = diff(before.playbook, after.playbook)
    assert applied(changes, before.playbook) == after.playbook
    assert bool(changes) == (before.playbook != after.playbook)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(playbooks())
def test_a_written_path_leads_to_its_part(drawn: Drawn) -> None:
    playbook = drawn.playbook
    for path, part in located(playbook):
        if path and path[0] in SECTIONS:
            assert part_at(playbook, place_of(playbook, written(playbook, path))) is part


def test_paths_are_written_with_readable_names() -> None:
    before = deal_playbook()
    after = changed(
        before,
        {
            ("email_sequences", 0, "touches", 2, "body"): "Hi",
            ("buying_committee", 0, "title"): "CPO",
            ("trial_plan", 1): "Week 2: rest.",
            ("battle_cards", 1, "objections", 0, "ask"): "Why?",
            ("quick_wins",): (),
        },
    )
    evidence = {id_: quotation for id_, quotation in after.evidence.items() if id_ != "v_free"}
    assert [change.path for change in diff(before, after.model_copy(update={"evidence": evidence}))] == [
        "buying_committee.champion.title",
        "quick_wins",
        "trial_plan[1]",
        "email_sequences.persona-1.touches[2].body",
        "battle_cards.objection_handling.objections[0].ask",
        "evidence.v_free",
    ]
    assert diff(before, before) == ()


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("email_sequences.persona-1.touches[2].body", ("email_sequences", 0, "touches", 2, "body")),
        ("email_sequences.0.touches.2", ("email_sequences", 0, "touches", 2)),
        ("talk_tracks.Persona-2", ("talk_tracks", 1)),
        ("trial_plan[1]", ("trial_plan", 1)),
        ('evidence["v_free"].quote', ("evidence", "v_free", "quote")),
        ("fit", ("fit",)),
    ],
)
def test_a_part_can_be_named_in_several_ways(name: str, path: Path) -> None:
    assert place_of(deal_playbook(), name) == path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("emails", r"there is no section 'emails'; choose one of brief, executive_summary"),
        ("email_sequences.persona-9", r"has no part 'persona-9'; choose one of persona-1, .*, or an index from 0 to 2"),
        ("email_sequences.persona-1.touches[4]", r"has no part '4'; choose an index from 0 to 3"),
        ("fit.reasons", r"has no part 'reasons'; choose one of value_map, .*when_not_to_sell"),
        (
            "email_sequences.persona-1.touches.email",
            r"'email' is the name of several parts; choose one of \[0\], \[1\]",
        ),
        ("trial_plan..0", r"does not exist|no section"),
        ("", r"there is no section ''"),
        (r'evidence["\x"]', r"there is no section"),
    ],
)
def test_an_unknown_part_is_an_error_that_lists_the_known_ones(name: str, message: str) -> None:
    with pytest.raises(UnknownName, match=message):
        place_of(deal_playbook(), name)
