"""Test octave-mcp with third-party MCP clients and print one line per client test.

    python clients/run.py

The exit code is 1 if any client test failed. The server runs with the same Python as this script.
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

import apps
from programs import Failed, Programs, check, install

HERE = Path(__file__).parent
STDIO = [sys.executable, str(HERE.parent / "server.py")]
HTTP = [*STDIO, "--http", "--port"]
FIXTURES = [sys.executable, str(HERE / "fixtures.py"), "--port"]
APPS = [sys.executable, str(HERE / "apps_server.py"), "--port"]
SITES = [sys.executable, str(HERE / "sites.py")]

INSPECTOR = ["mcp-inspector", "--cli", "--format", "json"]
# Run this file directly, because the `claude` command only prints an error. The package's install script would replace
# the command with the real program, but .npmrc disables install scripts.
CLAUDE = ["node", str(HERE / "node_modules/@anthropic-ai/claude-code/cli-wrapper.cjs")]
TYPESCRIPT = ["node", str(HERE / "typescript.mjs")]
CONFORMANCE = ["conformance"]

ERAS = ("legacy", "modern")
REVISIONS = ("2025-06-18", "2025-11-25", "2026-07-28")
TYPESCRIPT_SDKS = {1: "@modelcontextprotocol/sdk", 2: "@modelcontextprotocol/client"}
# The Inspector exits with this code if a tool returns an error.
TOOL_FAILED = 5

IN_PROGRESS = ("queued", "running")

MAX_CONCURRENT_TRIALS = 4
# The exit code that shells report after SIGTERM: 128 + 15.
TERMINATED = 143


@dataclass(frozen=True)
class Trial:
    """A named test. `run` returns a summary of what was tested. If the test fails, `run` raises Failed."""

    name: str
    run: Callable[[], str]


@dataclass(frozen=True)
class Setting:
    """The running servers and sites that the client tests use."""

    programs: Programs
    url: str
    fixtures_url: str
    apps_url: str
    vendor: str
    prospect: str
    slow: str


def main() -> int:
    signal.signal(signal.SIGTERM, stop)
    table = json.loads((HERE / "conformance.json").read_text())
    try:
        install(HERE)
        passed = run_all(table)
    except Failed as failed:
        passed = [print_result("start", failed)]
    return 0 if all(passed) else 1


def stop(*_: object) -> NoReturn:
    """On SIGTERM, raise SystemExit, so that the context managers end the subprocesses."""
    sys.exit(TERMINATED)


def run_all(table: dict[str, Any]) -> list[bool]:
    with ThreadPoolExecutor(MAX_CONCURRENT_TRIALS) as pool, Programs(HERE) as programs:
        setting = start(programs)
        trials = [
            *inspector(setting),
            *typescript(setting),
            claude(setting),
            view(setting),
            *conformance(setting, table),
        ]
        results = zip(trials, pool.map(attempt, trials), strict=True)
        passed = [print_result(trial.name, result) for trial, result in results]
    for reason, names in table["left_out"].items():
        print_line(f"SKIP conformance {' '.join(names)}: {reason}")
    print_line(f"{sum(passed)} of {len(passed)} passed")
    return passed


def start(programs: Programs) -> Setting:
    sites = programs.first_line(SITES).split()
    programs.environment["OCTAVE_ALLOW_HOSTS"] = ",".join(site.removeprefix("http://") for site in sites)
    return Setting(programs, programs.serve(HTTP), programs.serve(FIXTURES), programs.serve(APPS), *sites)


def attempt(trial: Trial) -> str | Failed:
    try:
        return trial.run()
    except Failed as failed:
        return failed
    except (ValueError, LookupError) as error:
        return Failed(f"the client's output cannot be parsed: {error!r}")


def print_result(name: str, result: str | Failed) -> bool:
    failed = isinstance(result, Failed)
    print_line(f"{'FAIL' if failed else 'PASS'} {name}: {' '.join(str(result).split())}")
    return not failed


def print_line(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def inspector(setting: Setting) -> Iterator[Trial]:
    version = setting.programs.version("@modelcontextprotocol/inspector")
    for (transport, target), era in product({"stdio": STDIO, "HTTP": [setting.url]}.items(), ERAS):
        client = Inspector(setting.programs, era, target)
        yield Trial(f"Inspector {version}, {transport}, {era}", client.everything)


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
        check("[not_found]" in refused, f"get_run of an unknown run returned {refused}")
        sessions = json.loads(self.called("list_sessions"))["sessions"]
        counts = f"{len(tools)} tools, {len(templates)} resource templates, {len(prompts)} prompts"
        return f"{counts}, {len(sessions)} sessions; get_run of an unknown run: {refused}"

    def listed(self, method: str, key: str, *flags: str) -> list[str]:
        return [found["name"] for found in self.result(method, *flags)[key]]

    def called(self, tool: str, *arguments: str, code: int = 0) -> str:
        return self.result("tools/call", "--tool-name", tool, *arguments, code=code)["content"][0]["text"]

    def result(self, method: str, *flags: str, code: int = 0) -> dict[str, Any]:
        arguments = ["--protocol-era", self.era, "--method", method, *flags, "--", *self.target]
        return json.loads(self.programs.run([*INSPECTOR, *arguments], codes=[code]))["result"]


def typescript(setting: Setting) -> Iterator[Trial]:
    sites = {"vendor": setting.vendor, "prospect": setting.prospect, "slow": setting.slow}
    transports = {"stdio": {"command": STDIO}, "HTTP": {"url": setting.url}}
    for (major, package), (transport, target) in product(TYPESCRIPT_SDKS.items(), transports.items()):
        options = json.dumps({"major": major, **target, **sites})
        name = f"{package} {setting.programs.version(package)}, {transport}"
        yield Trial(name, partial(generate, setting.programs, options))


def generate(programs: Programs, options: str) -> str:
    results = json.loads(programs.run([*TYPESCRIPT, options]))
    watched, cut = results["watched"], results["cut"]
    progress = watched["progress"]
    check(watched["status"] == "completed", f"the run ended as {watched['status']}")
    check(len(progress) > 1 and progress == sorted(set(progress)), f"progress was {progress}")
    check("timed out" in str(cut["complaint"]), f"the call with a short timeout ended with {cut['complaint']}")
    check(cut["again"] in IN_PROGRESS and cut["status"] == "completed" and cut["runs"] == 1, f"second call: {cut}")
    revision = f"revision {results['protocol']}, " if results["protocol"] else ""
    return (
        f"{revision}{len(results['tools'])} tools; generate_playbook completed after {len(progress)} progress reports; "
        f"after a client timeout ({cut['complaint']}) its run was found by request_id, {cut['again']}, and completed"
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


def view(setting: Setting) -> Trial:
    version = setting.programs.version("@modelcontextprotocol/ext-apps")
    return Trial(f"ext-apps {version}, MCP App in Chromium", partial(apps.view, setting.apps_url))


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
    """Return each scenario of the suite with its protocol revisions, or with 'extension' if it tests an extension."""
    listed = programs.run([*CONFORMANCE, "list", "--server"])
    return {name: tuple(of.split(",")) for name, of in re.findall(r"^  - (\S+) \[(.*)\]$", listed, re.MULTILINE)}


def complete(known: set[str], table: dict[str, Any]) -> str:
    left_out = {scenario for group in table["left_out"].values() for scenario in group}
    run = {*table["server"], *table["fixtures"]}
    check(run | left_out == known, f"conformance.json and the suite differ: {sorted((run | left_out) ^ known)}")
    check(not run & left_out, f"both run and left out: {sorted(run & left_out)}")
    return f"{len(known)} scenarios: {len(run)} run, {len(left_out)} left out for a reason"


def conforms(programs: Programs, url: str, scenario: str, revisions: Iterable[str]) -> str:
    checks = [result for revision in revisions for result in results_of(programs, url, scenario, revision)]
    statuses = Counter(result["status"] for result in checks)
    failures = [f"{result['id']}: {result.get('errorMessage')}" for result in checks if result["status"] == "FAILURE"]
    check(not failures, "; ".join(failures))
    check(statuses["SUCCESS"] > 0, f"nothing was checked: {dict(statuses)}")
    return ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))


def results_of(programs: Programs, url: str, scenario: str, revision: str) -> list[dict[str, Any]]:
    """Run a scenario and return the results of its checks."""
    folder = programs.folder()
    options = ["server", "--url", url, "--scenario", scenario, "--spec-version", revision, "--output-dir", str(folder)]
    # Exit code 1 means that a check failed. Accept this code, because the results say which check failed and why.
    output = programs.run([*CONFORMANCE, *options], codes=(0, 1))
    files = list(folder.glob("*/checks.json"))
    check(len(files) == 1, f"no results: {output}")
    return json.loads(files[0].read_text())


if __name__ == "__main__":
    sys.exit(main())
