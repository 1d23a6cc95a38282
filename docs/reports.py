# ruff: noqa: INP001 - a script next to the document that it writes
"""Run the tests, and write docs/test-results.md: the edge cases, the results of each test file, and the line coverage.

    python docs/reports.py [TEST FILE...]

Without arguments, the script runs the tests of `make test`, and also the long tests among the edge cases. If some tests
fail, it writes the page with their names, and the exit code is that of pytest.

Use Python 3.12 or later. In earlier versions, coverage needs a trace function in each thread, which makes the tests
slow, and sometimes keeps a new thread from starting, so that a test fails or hangs.
"""

from __future__ import annotations

import ast
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, NamedTuple
from xml.etree import ElementTree as ET

from markdown_tables import table

from octave_mcp import __version__

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "test-results.md"
EDGE_CASES = "tests/test_edge_cases.py"
PACKAGE = "octave_mcp"
# The test of the page itself is left out, because it reads the previous page.
OF_PAGE = (
    "tests/test_docs.py::test_the_page_of_test_results_has_the_results_of_all_tests_for_this_version_and_none_failed"
)

# Edge cases that tests in other files check. Maps each case to the file and the test.
ELSEWHERE: dict[str, tuple[str, str]] = {
    "The domain does not exist": (
        "tests/test_crawler.py",
        "test_a_name_without_an_address_is_unreachable_and_the_error_says_what_to_do",
    ),
    "The site does not answer": (
        "tests/test_degradation.py",
        "test_the_error_of_a_run_names_the_site_that_does_not_answer",
    ),
    "The site has no home page": ("tests/test_degradation.py", "test_a_site_without_a_home_page_fails_the_run"),
    "All pages fail except the home page": (
        "tests/test_degradation.py",
        "test_a_playbook_is_written_even_if_only_the_home_page_of_a_company_is_readable",
    ),
    "Some pages are missing, empty or behind a bot wall": (
        "tests/test_degradation.py",
        "test_missing_and_empty_pages_are_named_and_the_run_completes",
    ),
    "robots.txt forbids all pages": (
        "tests/test_crawler.py",
        "test_a_site_whose_robots_txt_fails_or_forbids_all_pages_is_refused",
    ),
    "The home page redirects to another domain": (
        "tests/test_crawler.py",
        "test_a_home_page_that_redirects_to_another_site_fails_with_its_name",
    ),
    "The home page redirects endlessly": ("tests/test_crawler.py", "test_redirect_loops_and_long_redirect_chains_fail"),
    "A page redirects to a private address": (
        "tests/test_crawler.py",
        "test_a_redirect_to_a_private_address_is_not_followed",
    ),
    "The sitemaps are nested endlessly": (
        "tests/test_hostile_servers.py",
        "test_at_most_twenty_of_endlessly_nested_sitemaps_are_read",
    ),
    "The model's answers are unusable": (
        "tests/test_unusable_answers.py",
        "test_a_run_without_a_usable_answer_says_what_was_wrong_with_the_answers",
    ),
    "The model cites a passage that it was not shown": (
        "tests/test_degradation.py",
        "test_a_passage_that_was_not_shown_supports_nothing",
    ),
    "The budget is used up": (
        "tests/test_budgets.py",
        "test_a_run_that_exhausts_its_budget_ends_with_its_results_so_far_and_says_so",
    ),
    "The deadline passes before there is a result": (
        "tests/test_budgets.py",
        "test_a_run_that_times_out_before_it_has_any_result_fails_with_deadline_exceeded",
    ),
    "The user cancels the run": ("tests/test_degradation.py", "test_cancelling_a_run_stops_it_and_closes_its_source"),
    "The user cancels the run before it starts": (
        "tests/test_degradation.py",
        "test_a_run_can_be_cancelled_before_it_starts",
    ),
    "The client repeats its request": (
        "tests/test_mcp.py",
        "test_the_same_request_id_gives_the_same_run_and_another_request_with_it_is_refused",
    ),
}

Outcome = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True)
class Result:
    """The result of one test with one set of parameters. `reason`: why it was skipped."""

    file: str
    test: str
    outcome: Outcome
    seconds: float
    reason: str = ""

    @property
    def function(self) -> str:
        return self.test.partition("[")[0]


@dataclass(frozen=True)
class Setting:
    """What the page says about the run. `files`: the test files that ran, or () if all test files ran."""

    version: str
    day: date
    cores: int
    python: str
    files: tuple[str, ...] = ()


class Counts(NamedTuple):
    passed: int
    failed: int
    skipped: int
    seconds: float

    @classmethod
    def of(cls, results: Iterable[Result]) -> Counts:
        found = [*results]
        outcomes = Counter(result.outcome for result in found)
        seconds = sum(result.seconds for result in found)
        return cls(outcomes["passed"], outcomes["failed"], outcomes["skipped"], seconds)

    def cells(self) -> tuple[str, ...]:
        return (*map(str, self[:3]), f"{self.seconds:.1f}")


def results(junit: str) -> Iterator[Result]:
    """Yield the results in a JUnit XML file of pytest."""
    for case in ET.fromstring(junit).iter("testcase"):  # noqa: S314 - pytest wrote it
        skipped = case.find("skipped")
        failed = case.find("failure") is not None or case.find("error") is not None
        yield Result(
            file=case.get("classname", "").replace(".", "/") + ".py",
            test=case.get("name", ""),
            outcome="failed" if failed else "passed" if skipped is None else "skipped",
            seconds=float(case.get("time", "0")),
            reason="" if skipped is None else skipped.get("message", ""),
        )


def scenarios(source: str) -> list[str]:
    """Return the names of the test functions in the source of a test file."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        node.name for node in ast.parse(source).body if isinstance(node, functions) and node.name.startswith("test_")
    ]


def sentence(test: str) -> str:
    words = test.removeprefix("test_").replace("_", " ")
    return words[:1].upper() + words[1:]


def page(junits: Sequence[str], coverage: str, setting: Setting, names: Sequence[str]) -> str:
    """Return the page in Markdown.

    Args:
        junits: JUnit XML files of pytest.
        coverage: The JSON report of coverage.py.
        setting: The version, day and machine, and the test files that ran.
        names: The test functions among the edge cases.
    """
    found = sorted((result for junit in junits for result in results(junit)), key=lambda result: result.file)
    report = json.loads(coverage)
    parts = (
        "# Test results",
        _introduction(setting),
        "## Edge cases",
        f"Each row is a test in `{EDGE_CASES}`.",
        table(("edge case", "result"), (_scenario(name, EDGE_CASES, sentence(name), found) for name in names)),
        "Tests in other files check these edge cases:",
        table(("edge case", "what happens", "result"), _elsewhere(found)),
        "## Test files",
        _files(found),
        *_named("### Failed tests", (f"`{r.file}`: `{r.test}`" for r in found if r.outcome == "failed")),
        *_named("### Skipped tests", _reasons(found)),
        "## Line coverage",
        "Lines that run in processes started by the tests also count, unless the process is killed.",
        _packages(report),
    )
    return "\n\n".join(parts) + "\n"


def _introduction(setting: Setting) -> str:
    ran = "all test files, without the tests that only `make long` runs"
    if setting.files:
        ran = f"**only these test files:** {', '.join(f'`{file}`' for file in setting.files)}"
    facts = (
        f"Version: {setting.version}",
        f"Date: {setting.day}",
        f"Machine: {setting.cores} cores, Python {setting.python}",
        f"Tests: {ran}; the long tests among the edge cases ran too",
    )
    return "`make reports` writes this page.\n\n" + "\n".join(f"- {fact}" for fact in facts)


def _scenario(name: str, file: str, shown: str, found: Sequence[Result]) -> tuple[str, str]:
    return shown, _result(Counts.of(r for r in found if r.file == file and r.function == name))


def _result(counts: Counts) -> str:
    """Return `passed`, or the number of cases with each outcome if the test has several cases."""
    outcomes = dict(zip(("passed", "failed", "skipped"), counts[:3], strict=True))
    cases = sum(outcomes.values())
    if not cases:
        return "not run"
    if cases == 1:
        return next(outcome for outcome, count in outcomes.items() if count)
    return ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items() if count)


def _elsewhere(found: Sequence[Result]) -> Iterator[tuple[str, ...]]:
    for case, (file, name) in ELSEWHERE.items():
        yield (case, *_scenario(name, file, f"{sentence(name)} (`{Path(file).name}`)", found))


def _files(found: Sequence[Result]) -> str:
    rows = (
        (f"`{file}`", *Counts.of(of_file).cells()) for file, of_file in groupby(found, key=lambda result: result.file)
    )
    total = ("**total**", *Counts.of(found).cells())
    return table(("file", "passed", "failed", "skipped", "seconds"), (*rows, total))


def _reasons(found: Sequence[Result]) -> Iterator[str]:
    reasons = Counter((result.file, result.reason) for result in found if result.outcome == "skipped")
    for (file, reason), count in reasons.items():
        yield f"{count} in `{file}`: {reason}"


def _named(heading: str, items: Iterable[str]) -> tuple[str, ...]:
    """Return a heading and a list, or nothing if the list is empty."""
    lines = [f"- {item}" for item in items]
    return (heading, "\n".join(lines)) if lines else ()


def _packages(report: dict[str, Any]) -> str:
    """Return a table with a row for each package, and for each module with lines that no test ran."""
    rows: list[tuple[str, ...]] = []
    files = sorted(report["files"].items(), key=lambda item: (Path(item[0]).parent, item[0]))
    for package, modules in groupby(files, key=lambda item: Path(item[0]).parent):
        summaries = {Path(name).stem: entry["summary"] for name, entry in modules}
        rows.append((f"**`{'.'.join(package.parts)}`**", *_share(*summaries.values())))
        rows += ((f"`{name}`", *_share(entry)) for name, entry in summaries.items() if entry["missing_lines"])
    rows.append(("**total**", *_share(report["totals"])))
    return table(("package, and modules with lines that no test ran", "lines", "run", "covered"), rows)


def _share(*summaries: dict[str, Any]) -> tuple[str, str, str]:
    lines = sum(summary["num_statements"] for summary in summaries)
    covered = sum(summary["covered_lines"] for summary in summaries)
    # Round down, so that 100% means every line.
    return f"{lines}", f"{covered}", f"{1000 * covered // lines / 10:.1f}%" if lines else ""


def _run(folder: Path, junit: Path, *arguments: str) -> int:
    measure = (f"--cov={PACKAGE}", "--cov-append", f"--cov-report=json:{folder / 'report.json'}")
    options = ("-q", "-p", "no:cacheprovider", f"--junit-xml={junit}", f"--deselect={OF_PAGE}", *measure)
    core = "sysmon" if sys.version_info >= (3, 12) else "ctrace"
    environment = os.environ | {"COVERAGE_CORE": core, "COVERAGE_FILE": str(folder / ".coverage")}
    command = (sys.executable, "-m", "pytest", *options, *arguments)
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode  # noqa: S603 - pytest


def main() -> int:
    files = tuple(sys.argv[1:])
    names = scenarios((ROOT / EDGE_CASES).read_text("utf-8"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        junits = [folder / "tests.xml", folder / "long.xml"]
        elsewhere = (f"{file}::{test}" for file, test in ELSEWHERE.values())
        codes = [_run(folder, junits[0], *files), _run(folder, junits[1], "-m", "long", EDGE_CASES, *elsewhere)]
        setting = Setting(__version__, datetime.now(UTC).date(), os.cpu_count() or 1, platform.python_version(), files)
        coverage = (folder / "report.json").read_text("utf-8")
        PAGE.write_text(page([junit.read_text("utf-8") for junit in junits], coverage, setting, names), "utf-8")
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
