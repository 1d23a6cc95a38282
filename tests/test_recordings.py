"""What a model answered in one run is replayed in others, on the pages as they are then."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from conftest import Pair, octave, read_json
from doubles import answer_to
from test_host import invented_figure, next_question
from web import lift_server_timeouts, serving

from octave_mcp.runs import questions

Json = dict[str, Any]
MODEL = "a-careful-model-3"
SAME = ("executive_summary", "email_sequences", "talk_tracks", "battle_cards", "brief", "evidence", "gaps")


@dataclass(frozen=True)
class Recorded:
    """A finished run whose questions a client answered, its playbook, and the recording made of it."""

    run_id: str
    home: Path
    pair: Pair
    playbook: Json
    file: Path


@pytest.fixture(autouse=True)
def no_deadline_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "VERDICT_SECONDS", 3600)
    lift_server_timeouts(monkeypatch)


async def answered_by_a_client(pair: Pair) -> tuple[str, Json]:
    """A run whose client answers all that is asked, once with an invented figure, which it corrects."""
    async with serving() as http:
        first = (await http.post("/runs", json={**pair.few, "model": "host", "refresh": True})).json()
        at = f"/runs/{first['run_id']}"
        while question := (await next_question(http, at))["question"]:
            answer = answer_to(question if question["material"] else {**question, **await earlier(http, at, question)})
            if question["prompt"] == "prospect/company_profile" and not question["corrects"]:
                invented_figure(answer)
            await http.post(f"{at}/questions/{question['question_id']}", json={"answer": answer})
        return first["run_id"], (await http.get(f"{at}/playbook.json")).json()


async def earlier(http: httpx2.AsyncClient, at: str, question: Json) -> Json:
    found = (await http.get(f"{at}/questions/next", params={"question_id": question["corrects"]})).json()["question"]
    return {"material": found["material"]}


@pytest.mark.usefixtures("home")
async def test_a_run_is_replayed_word_for_word_at_once_and_costs_nothing(pair: Pair, tmp_path: Path) -> None:
    run_id, playbook = await answered_by_a_client(pair)
    assert (await octave("record", run_id, "--model", MODEL, cwd=tmp_path)).code == 0
    domains = (pair.vendor.host, pair.prospect.host)
    ended = await octave("generate", *domains, "--model", "recorded", "--out", "o", cwd=tmp_path)
    again = read_json(tmp_path / "o" / "playbook.json")

    assert ended.code == 0, ended
    assert {name: again[name] for name in SAME} == {name: playbook[name] for name in SAME}
    assert again["recording"]["unmapped"] == 0 < again["recording"]["of"]
    assert again["cost"]["usd"] == again["cost"]["input_tokens"] == 0
