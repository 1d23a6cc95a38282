"""Replay a recorded run about two real companies, whose pages are not part of this repository."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conftest import ROOT
from web import lift_server_timeouts

from octave_mcp.app import App
from octave_mcp.domain.playbook import Playbook
from octave_mcp.settings import load
from octave_mcp.surfaces.cli.terminal import call_factory, invoke

RECORDINGS = ROOT / "tests" / "recordings"
PAIR = ("posthog.com", "supabase.com")


@pytest.fixture
def no_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_server_timeouts(monkeypatch)


async def replayed(home: Path, origins: dict[str, str]) -> Playbook:
    (home / "recordings").mkdir(parents=True)
    shutil.copy(RECORDINGS / "posthog.com+supabase.com.json.gz", home / "recordings")
    served = {domain: urlsplit(origins[domain]).port or 0 for domain in PAIR}
    app = App(load(source="crawler"), engine="inline", served=served)
    await app.runs.open(adopting=False)
    try:
        asked = {"vendor_domain": f"http://{PAIR[0]}", "prospect_domain": f"http://{PAIR[1]}", "model": "recorded"}
        report = await invoke("generate_playbook", call_factory(app), **asked, wait_seconds=55)
        while report.status in {"queued", "running"}:
            report = await invoke("get_run", call_factory(app), run_id=report.run_id, wait_seconds=55)
        return await app.runs.finished(report.run_id)
    finally:
        await app.runs.close()


@pytest.mark.long
@pytest.mark.usefixtures("no_timeouts")
async def test_a_recording_about_two_real_companies_is_replayed_with_every_citation(
    home: Path, real_sites: dict[str, str]
) -> None:
    playbook = await replayed(home, real_sites)

    assert playbook.recording
    assert (playbook.recording.model, playbook.recording.unmapped) == ("Claude", 0)
    assert [len(sequence.touches) for sequence in playbook.email_sequences] == [4, 4, 4]
    assert {touch.kind for sequence in playbook.email_sequences for touch in sequence.touches} == {"email"}
    assert [gap.code for gap in playbook.gaps if gap.code == "dropped_by_check"] == []
    assert {urlsplit(evidence.url).hostname for evidence in playbook.evidence.values()} == set(PAIR)
