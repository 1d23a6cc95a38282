"""Tests of the commands `octave-mcp scrape` and `octave-mcp map`, and of the matching HTTP routes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Pair, octave
from web import serving

FIELDS = ["url", "final_url", "read", "code", "reason", "title", "kind", "language", "published_on", "text", "facts"]


def objects(printed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.splitlines()]


async def test_scrape_prints_one_json_object_per_page_in_the_requested_order(pair: Pair, tmp_path: Path) -> None:
    paths = ["/pricing", "/no-such-page", "/"]
    urls = [f"http://{pair.vendor.host}{path}" for path in paths]

    result = await octave("scrape", *urls, "--json", cwd=tmp_path)

    pages = objects(result.out)
    assert result.code == 4
    assert [list(page) for page in pages] == [FIELDS] * 3
    assert [page["url"] for page in pages] == urls
    assert [(page["read"], page["code"], page["kind"]) for page in pages] == [
        (True, None, "pricing"),
        (False, "http_404", None),
        (True, None, "home"),
    ]
    assert pages[1]["text"] is pages[1]["facts"] is None
    assert pages[2]["language"] == "en"
    assert "Description" in pages[2]["facts"]
    assert "Description" not in pages[2]["text"]


async def test_scrape_prints_markdown_by_default(pair: Pair, tmp_path: Path) -> None:
    result = await octave("scrape", f"{pair.vendor.host}/pricing", cwd=tmp_path)

    assert result.code == 0
    assert result.out.startswith(f"<!-- http://{pair.vendor.host}/pricing: ")
    assert "\n# " in result.out


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://acme.com/", "invalid_domain"),
        ("http://169.254.169.254/latest", "host_not_allowed"),
        ("http://127.0.0.1:9/", "host_not_allowed"),
    ],
)
async def test_a_forbidden_url_is_reported_and_the_others_are_read(
    url: str, code: str, pair: Pair, tmp_path: Path
) -> None:
    result = await octave("scrape", url, f"http://{pair.vendor.host}/", "--json", cwd=tmp_path)

    refused, read = objects(result.out)
    assert (result.code, refused["url"], refused["code"], read["read"]) == (4, url, code, True)
    assert refused["reason"]


@pytest.mark.parametrize("command", ["scrape", "map"])
async def test_an_invalid_url_is_a_usage_error(command: str, tmp_path: Path) -> None:
    assert (await octave(command, "bogus", cwd=tmp_path)).code == 2


async def test_map_lists_the_pages_that_a_run_chooses_from(pair: Pair, tmp_path: Path) -> None:
    result = await octave("map", pair.vendor.host, "--json", cwd=tmp_path)

    (site,) = objects(result.out)
    kinds = {address["url"].partition(pair.vendor.host)[2]: address["kind"] for address in site["addresses"]}
    assert result.code == 0
    assert (site["company"], site["home"]["kind"], site["failures"]) == (pair.vendor.host, "home", [])
    assert list(site["home"]) == FIELDS
    assert kinds["/pricing"] == "pricing"
    assert {"/customers", "/about"} <= kinds.keys()
    assert "/" not in kinds


async def test_a_site_that_cannot_be_mapped_is_an_error_object_and_exits_1(pair: Pair, tmp_path: Path) -> None:
    pair.vendor.failing["/"] = 404

    result = await octave("map", pair.vendor.host, "--json", cwd=tmp_path)

    (answer,) = objects(result.out)
    assert result.code == 1
    assert answer["error"]["code"] == "site_unreachable"
    assert pair.vendor.host in answer["error"]["message"]


async def test_the_routes_return_what_the_commands_print(pair: Pair, tmp_path: Path) -> None:
    url = f"http://{pair.vendor.host}/pricing"
    page = await octave("scrape", url, "--json", cwd=tmp_path)
    site = await octave("map", pair.vendor.host, "--json", cwd=tmp_path)

    async with serving() as client:
        pages = (await client.post("/scrape", json={"urls": [url]})).json()["pages"]
        mapped = (await client.post("/map", json={"site": pair.vendor.host})).json()
        none = await client.post("/scrape", json={"urls": []})

    assert pages == objects(page.out)
    assert [mapped] == objects(site.out)
    assert (none.status_code, none.json()["code"]) == (400, "invalid_input")
