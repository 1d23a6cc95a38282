"""Tries octave-mcp with clients that others wrote, and says of each what it showed.

    python clients/run.py

One line per trial; the exit code is 1 if any of them failed. The Python that runs this is the one that serves.
"""

from __future__ import annotations

import json
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NoReturn

from programs import Failed, Programs, install

HERE = Path(__file__).parent
STDIO = [sys.executable, str(HERE.parent / "server.py")]
HTTP = [*STDIO, "--http", "--port"]
FIXTURES = [sys.executable, str(HERE / "fixtures.py"), "--port"]
SITES = [sys.executable, str(HERE / "sites.py")]

INSPECTOR = ["mcp-inspector", "--cli", "--format", "json"]
# Its own start script is put in place when it is installed, and no package's scripts run then.
CLAUDE = ["node", str(HERE / "node_modules/@anthropic-ai/claude-code/cli-wrapper.cjs")]
TYPESCRIPT = ["node", str(HERE / "typescript.mjs")]
CONFORMANCE = ["conformance"]

ERAS = ("legacy", "modern")
REVISIONS = ("2025-06-18", "2025-11-25", "2026-07-28")
TYPESCRIPT_SDKS = {1: "@modelcontextprotocol/sdk", 2: "@modelcontextprotocol/client"}
# What the Inspector exits with when a tool's result is an error.
TOOL_FAILED = 5

UNDER_WAY = ("queued", "running")

AT_ONCE = 4
TERMINATED = 143


@dataclass(frozen=True)
class Trial:
    """`make` returns what was shown, or raises Failed."""

    name: str
    make: Callable[[], str]


@dataclass(frozen=True)
class Setting:
    """Where everything is, for the trials."""

    programs: Programs
    url: str
    fixtures_url: str
    vendor: str
    prospect: str
    slow: str


def main() -> int:
    signal.signal(signal.SIGTERM, stop)
    table = json.loads((HERE / "conformance.json").read_text())
    try:
        install(HERE)
        passed = all_told(table)
    except Failed as failed:
        passed = [told("start", failed)]
    return 0 if all(passed) else 1


def stop(*_: object) -> NoReturn:
    """Unwinds, so that what was started is ended: a signal alone would end this program only."""
    sys.exit(TERMINATED)


def all_told(table: dict[str, Any]) -> list[bool]:
    with ThreadPoolExecutor(AT_ONCE) as pool, Programs(HERE) as programs:
        setting = started(programs)
        trials = [*inspector(setting), *typescript(setting), claude(setting), *conformance(setting, table)]
        passed = [told(trial.name, showed) for trial, showed in zip(trials, pool.map(tried, trials), strict=True)]
    for reason, scenarios in table["left_out"].items():
        say(f"SKIP conformance {' '.join(scenarios)}: {reason}")
    say(f"{sum(passed)} of {len(passed)} passed")
    return passed


def started(programs: Programs) -> Setting:
    sites = programs.first_line(SITES).split()
    programs.environment["OCTAVE_ALLOW_HOSTS"] = ",".join(site.removeprefix("http://") for site in sites)
    return Setting(programs, programs.serve(HTTP), programs.serve(FIXTURES), *sites)


def tried(trial: Trial) -> str | Failed:
    try:
        return trial.make()
    except Failed as failed:
        return failed
    except (ValueError, LookupError) as unreadable:
        return Failed(f"its answer cannot be read: {unreadable!r}")


def told(name: str, showed: str | Failed) -> bool:
    failed = isinstance(showed, Failed)
    say(f"{'FAIL' if failed else 'PASS'} {name}: {' '.join(str(showed).split())}")
    return not failed


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def check(holds: bool, complaint: str) -> None:
    if not holds:
        raise Failed(complaint)


def inspector(setting: Setting) -> Iterator[Trial]:
    version = setting.programs.version("@modelcontextprotocol/inspector")
    for (transport, target), era in product({"stdio": STDIO, "HTTP": [setting.url]}.items(), ERAS):
        asked = Inspector(setting.programs, era, target)
        yield Trial(f"Inspector {version}, {transport}, {era}", asked.everything)


@dataclass(frozen=True)
class Inspector:
    programs: Programs
    era: str
    target: list[str]

    def everything(self) -> str:
        tools = self.listed("tools/list", "tools", "--strict")
        templates = self.listed("resources/templates/list", "resourceTemplates")
        prompts = self.listed("prompts/list", "prompts")
        refused = self.called("get_run", "--tool-arg", "run_id=unknown", code=TOOL_FAILED)
        check("[not_found]" in refused, f"get_run of an unknown run said {refused}")
        sessions = json.loads(self.called("list_sessions"))["sessions"]
        counts = f"{len(tools)} tools, {len(templates)} resource templates, {len(prompts)} prompts"
        return f"{counts}, {len(sessions)} sessions; get_run of an unknown run: {refused}"

    def listed(self, method: str, key: str, *flags: str) -> list[str]:
        return [found["name"] for found in self.result(method, *flags)[key]]

    def called(self, tool: str, *arguments: str, code: int = 0) -> str:
        return self.result("tools/call", "--tool-name", tool, *arguments, code=code)["content"][0]["text"]

    def result(self, method: str, *flags: str, code: int = 0) -> dict[str, Any]:
        asked = ["--protocol-era", self.era, "--method", method, *flags, "--", *self.target]
        return json.loads(self.programs.run([*INSPECTOR, *asked], codes=[code]))["result"]


def typescript(setting: Setting) -> Iterator[Trial]:
    sites = {"vendor": setting.vendor, "prospect": setting.prospect, "slow": setting.slow}
    transports = {"stdio": {"command": STDIO}, "HTTP": {"url": setting.url}}
    for (major, package), (transport, target) in product(TYPESCRIPT_SDKS.items(), transports.items()):
        asked = json.dumps({"major": major, **target, **sites})
        name = f"{package} {setting.programs.version(package)}, {transport}"
        yield Trial(name, partial(generated, setting.programs, asked))


def generated(programs: Programs, asked: str) -> str:
    saw = json.loads(programs.run([*TYPESCRIPT, asked]))
    watched, cut = saw["watched"], saw["cut"]
    progress = watched["progress"]
    check(watched["status"] == "completed", f"the run ended as {watched['status']}")
    check(len(progress) > 1 and progress == sorted(set(progress)), f"progress was {progress}")
    check("timed out" in str(cut["complaint"]), f"the call cut short ended as {cut['complaint']}")
    check(cut["again"] in UNDER_WAY and cut["status"] == "completed" and cut["runs"] == 1, f"asked again: {cut}")
    revision = f"revision {saw['protocol']}, " if saw["protocol"] else ""
    return (
        f"{revision}{len(saw['tools'])} tools; generate_playbook completed after {len(progress)} progress messages; "
        f"cut short ({cut['complaint']}), it was found {cut['again']} by its request_id, and completed"
    )


def claude(setting: Setting) -> Trial:
    version = setting.programs.version("@anthropic-ai/claude-code")
    return Trial(f"Claude Code {version}, mcp list", partial(healthy, setting))


def healthy(setting: Setting) -> str:
    run = setting.programs.run
    run([*CLAUDE, "mcp", "add", "--scope", "user", "octave", "--", *STDIO])
    run([*CLAUDE, "mcp", "add", "--scope", "user", "--transport", "http", "octave-http", setting.url])
    lines = [line for line in run([*CLAUDE, "mcp", "list"]).splitlines() if line.startswith("octave")]
    states = {line.partition(":")[0]: line.rpartition(" - ")[2] for line in lines}
    connected = {"octave", "octave-http"} == {name for name, state in states.items() if state.endswith("Connected")}
    check(connected, f"not connected: {states}")
    return ", ".join(f"{name} {state}" for name, state in states.items())


def conformance(setting: Setting, table: dict[str, Any]) -> Iterator[Trial]:
    version = setting.programs.version("@modelcontextprotocol/conformance")
    known = scenarios(setting.programs)
    yield Trial(f"conformance {version}, list", partial(complete, set(known), table))
    for server, url in {"server": setting.url, "fixtures": setting.fixtures_url}.items():
        for scenario in table[server]:
            revisions = [revision for revision in REVISIONS if revision in known.get(scenario, ())]
            name = f"conformance {scenario}, {server}, {' '.join(revisions)}"
            yield Trial(name, partial(conforms, setting.programs, url, scenario, revisions))


def scenarios(programs: Programs) -> dict[str, tuple[str, ...]]:
    """The suite's own list: each scenario with the revisions it is for, or 'extension'."""
    listed = programs.run([*CONFORMANCE, "list", "--server"])
    return {name: tuple(of.split(",")) for name, of in re.findall(r"^  - (\S+) \[(.*)\]$", listed, re.MULTILINE)}


def complete(known: set[str], table: dict[str, Any]) -> str:
    left_out = {scenario for group in table["left_out"].values() for scenario in group}
    run = {*table["server"], *table["fixtures"]}
    check(run | left_out == known, f"conformance.json and the suite differ in {sorted((run | left_out) ^ known)}")
    check(not run & left_out, f"both run and left out: {sorted(run & left_out)}")
    return f"{len(known)} scenarios: {len(run)} run, {len(left_out)} left out, each with its reason"


def conforms(programs: Programs, url: str, scenario: str, revisions: Iterable[str]) -> str:
    checks = [found for revision in revisions for found in checked(programs, url, scenario, revision)]
    statuses = Counter(found["status"] for found in checks)
    wrong = [f"{found['id']}: {found.get('errorMessage')}" for found in checks if found["status"] == "FAILURE"]
    check(not wrong, "; ".join(wrong))
    check(statuses["SUCCESS"] > 0, f"nothing was checked: {dict(statuses)}")
    return ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))


def checked(programs: Programs, url: str, scenario: str, revision: str) -> list[dict[str, Any]]:
    """What the suite checked. Its exit code is 1 where a check failed, of which the results say more."""
    results = programs.folder()
    asked = ["server", "--url", url, "--scenario", scenario, "--spec-version", revision, "--output-dir", str(results)]
    output = programs.run([*CONFORMANCE, *asked], codes=(0, 1))
    found = list(results.glob("*/checks.json"))
    check(len(found) == 1, f"no results: {output}")
    return json.loads(found[0].read_text())


if __name__ == "__main__":
    sys.exit(main())
