"""Selects the changes that a person wants to read when comparing versions: the changes to the text of a playbook."""

from __future__ import annotations

from octave_mcp.domain.diffs import Change
from octave_mcp.domain.parts import first_of, steps_of

# Leave out these sections, which only record where the text of a playbook comes from, what it cost and when it was
# made.
NOT_TEXT = frozenset({"evidence", "own_text", "pages", "cost", "timings", "generated_at"})
# Leave out these fields: the first three contain citations, verdicts and scores, and `sentences` repeats the body of an
# e-mail.
CHECKED = frozenset({"evidence", "support", "score", "sentences"})


def is_text_change(change: Change) -> bool:
    """Whether the change affects the text of the playbook and not just records, verdicts or scores."""
    return first_of(change.path) not in NOT_TEXT and CHECKED.isdisjoint(steps_of(change.path))
