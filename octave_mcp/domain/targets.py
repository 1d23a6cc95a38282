"""The target duration of each step of a run, and how long the steps of a finished run took."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from octave_mcp.domain.costs import StepTiming
from octave_mcp.domain.steps import StepEntry
from octave_mcp.domain.value import Value


class Target(Value):
    """The target duration of a step. A step that takes less than `least_seconds` meets the target, too.

    `step`: the step of the pipeline. `journal`: a regular expression for the journal entries of the step; if it is not
    empty, the duration is the time from the first start to the last end of these entries.
    """

    name: str
    least_seconds: float = 0
    most_seconds: float
    step: str = ""
    journal: str = ""


# One step of the pipeline, read_pack, both scrapes and extracts. Its packs do not wait for each other, so their times
# come from the journal.
STEPS = (
    Target(name="validation", most_seconds=5, step="validate_and_map"),
    Target(name="homepage", least_seconds=10, most_seconds=20, step="scrape_homepage"),
    Target(name="analysis", least_seconds=10, most_seconds=15, step="analyse_homepage"),
    Target(name="prioritisation", least_seconds=5, most_seconds=10, step="prioritise_urls"),
    Target(name="scraping", least_seconds=30, most_seconds=60, journal=r"\w+/pack-\d+/scrape"),
    Target(name="extraction", least_seconds=20, most_seconds=30, journal=r"\w+/pack-\d+/ask.*"),
    Target(name="prospect", least_seconds=15, most_seconds=25, step="understand"),
    Target(name="playbook", least_seconds=25, most_seconds=35, step="write_playbook"),
)
RUN = Target(name="whole run", most_seconds=180)


def seconds_of(target: Target, timings: Iterable[StepTiming], journal: Sequence[StepEntry]) -> float | None:
    """Return the duration of a step, or None if the run did not finish the step.

    The two companies are researched at the same time, so the slower company counts.
    """
    if not target.journal:
        return max((timing.seconds for timing in timings if timing.step == target.step), default=None)
    entries = [entry for entry in journal if re.fullmatch(target.journal, entry.name)]
    if not entries:
        return None
    elapsed = max(entry.ended_at for entry in entries) - min(entry.began_at for entry in entries)
    return elapsed.total_seconds()
