"""Random operations on a playbook by servers that are killed at random.

The operations must not lose a version or change a text that a user wrote.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from conftest import Ended, Pair, octave
from doubles import Double, Request, Sent, set_up
from test_recovery import Stdio, finished, server
from test_refresh import rewrite

from octave_mcp.domain.diffs import Change, applied
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.sentence import Sentence
from octave_mcp.domain.value import part_at, walk
from octave_mcp.settings import load
from octave_mcp.surfaces.cli.terminal import open_app

FIRST = "email_sequences.persona-1.touches"
# The texts that users replace: maps the path in the command to the location in the playbook.
OWN: dict[str, tuple[str | int, ...]] = {
    f"{FIRST}[0]": ("email_sequences", 0, "touches", 0, "body"),
    f"{FIRST}[1].subject": ("email_sequences", 0, "touches", 1, "subject"),
    "executive_summary.why_now": ("executive_summary", "why_now"),
    "quick_wins[0].action": ("quick_wins", 0, "action"),
}
REVISED = (f"{FIRST}[2]", "email_sequences.persona-1", "executive_summary", "quick_wins", "talk_tracks.persona-1.pitch")
OPERATIONS = 8


class History:
    """A playbook and its known versions.

    `own`: the texts written by users, by their paths in the playbook.
    """

    def __init__(self, seed: int, pair: Pair, provider: Double, folder: Path) -> None:
        self.random = Random(seed)  # noqa: S311 - repeatable
        self.pair, self.provider, self.folder = pair, provider, folder
        self.run_id = self.session_id = ""
        self.seen: dict[int, str] = {}
        self.own: dict[str, str] = {}
        self.done = Counter[str]()

    @asynccontextmanager
    async def server(self) -> AsyncGenerator[Stdio]:
        async with server(self.folder, {"OCTAVE_MODEL": "openai"}) as stdio:
            yield stdio

    async def begin(self) -> None:
        async with self.server() as stdio:
            run = await stdio.call("generate_playbook", **self.pair.few, wait_seconds=0)
            report = await finished(stdio, run["run_id"])
        self.run_id, self.session_id = report["run_id"], report["session_id"]
        assert report["status"] in {"completed", "partial"}, report

    async def edit(self) -> None:
        path = self.random.choice([*OWN])
        text = f"We count {len(self.seen)} things that are ours, and number {self.random.random()} is one."
        given = f"Subject: ours\n\n{text}" if path.endswith("[0]") else text
        base = ("--base-version", str(max(self.seen)))
        done = await self.command("edit", self.run_id, path, *base, "--text", given, "--by", "Ann")
        assert done.code == 0, done.err
        self.own[path] = text

    async def edit_of_an_old_version(self) -> None:
        if len(self.seen) > 1:
            refused = await self.command("edit", self.run_id, "trial_plan", "--base-version", "1", "--text", "Ours.")
            assert refused.code != 0

    async def revise(self) -> None:
        section = self.random.choice(REVISED)
        await self.carried_out("revise_playbook", run_id=self.run_id, section=section, instruction="Say it plainly.")

    async def refresh(self) -> None:
        path, mark = self.random.choice(["/", "/pricing"]), f"{self.random.random()}"
        rewrite(self.pair.vendor, path, "</h1>", f"</h1><p>The price of a truck is {mark[2:5]} dollars now.</p>")
        asked = {**self.pair.few, "refresh": True, "session_id": self.session_id, "request_id": mark}
        await self.carried_out("generate_playbook", **asked)

    async def delete_another_deal(self) -> None:
        async with self.server() as stdio:
            asked = {**self.pair.few, "model": "extractive", "wait_seconds": 0}
            run = await stdio.call("generate_playbook", **asked)
            await stdio.call("delete_session", session_id=run["session_id"])

    async def carried_out(self, tool: str, **asked: Any) -> None:  # noqa: ANN401 - the tool's own
        """Execute a run until it ends.

        At random, the server is killed immediately, at one of the first asks, or not at all.
        """
        asks = self.random.choice([None, 0, 1, 2, 3])
        async with self.server() as stdio:
            run_id = (await stdio.call(tool, **asked, wait_seconds=0))["run_id"]
            if asks:
                self.kill_at_ask(stdio.pid, asks)
            if asks != 0:
                with suppress(AssertionError):  # the server can be killed before it answers
                    await finished(stdio, run_id)
        self.provider.heal()
        async with self.server() as stdio:
            report = await finished(stdio, run_id)
        assert report["status"] in {"completed", "partial"}, report

    def kill_at_ask(self, pid: int, number: int) -> None:
        asks = itertools.count(1)

        def killed(_: Request, text: str) -> Sent:
            os.kill(pid, signal.SIGKILL)
            return Sent(body=text, drops=True)

        self.provider.fails(killed, lambda _: next(asks) == number)

    async def check(self) -> None:
        listed = json.loads((await self.command("versions", self.run_id, "--json")).out)["versions"]
        assert sorted(item["number"] for item in listed) in (
            [*range(1, len(self.seen) + 1)],
            [*range(1, len(self.seen) + 2)],
        )
        self.done = Counter(item["made"] for item in listed)
        playbooks = [playbook async for playbook in self.playbooks(len(listed))]
        found = {number: playbook.model_dump_json() for number, playbook in enumerate(playbooks, 1)}
        assert found | self.seen == found
        self.seen = found
        assert {path: _text_at(playbooks[-1], OWN[path]) for path in self.own} == self.own
        assert {own.path for own in playbooks[-1].own_text} == {*self.own}
        if len(playbooks) > 1:
            diff = json.loads((await self.command("diff", self.run_id, "--json")).out)
            assert applied([Change.model_validate(item) for item in diff["changes"]], playbooks[-2]) == playbooks[-1]

    async def playbooks(self, count: int) -> AsyncGenerator[Playbook]:
        async with open_app(load(), engine="inline", executing=False) as app:
            for number in range(1, count + 1):
                yield await app.runs.versions.playbook(self.run_id, number)

    async def command(self, *arguments: str) -> Ended:
        return await octave(*arguments, cwd=self.folder)


def _text_at(playbook: Playbook, at: tuple[str | int, ...]) -> str:
    part: Any = part_at(playbook, at)
    return (
        part
        if isinstance(part, str)
        else " ".join(sentence.text for sentence in walk(part) if isinstance(sentence, Sentence))
    )


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    double = Double()
    set_up(monkeypatch, double)
    yield double
    double.close()


@pytest.mark.long
@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(("seed", "database"), [(0, ""), (1, ""), (2, ""), (3, "postgres_url"), (4, "postgres_url")])
async def test_no_version_is_lost_and_no_user_text_is_altered(
    seed: int, database: str, pair: Pair, provider: Double, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if database:
        request.getfixturevalue("monkeypatch").setenv("OCTAVE_DATABASE_URL", request.getfixturevalue(database))
    history = History(seed, pair, provider, tmp_path)
    await history.begin()
    await history.check()
    operations = (history.edit, history.edit_of_an_old_version, history.revise, history.refresh)

    for _ in range(OPERATIONS):
        await history.random.choice([*operations, *operations[2:], history.delete_another_deal])()
        await history.check()

    assert history.done["generated"] == 1
    assert history.done.total() == len(history.seen) > 1
