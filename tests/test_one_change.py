"""A provider, format, tool or role only needs to be added in one place to appear on every surface."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import httpx2
import pytest
from conftest import ROOT, LoopbackSite, Pair
from fastmcp import Client
from mcp_types import BlobResourceContents
from one_change import ProductCopy, product_copy

from octave_mcp.demo.sites import load

CHOICES = "octave_mcp/domain/choices.py"

PROVIDER = """
from octave_mcp.errors import SetupError
from octave_mcp.models.extractive.model import Extractive
from octave_mcp.settings import value_of


class Parrot(Extractive):
    name = identity = "parrot"

    async def verify(self):
        return "parrot-1"


def make(settings, context=None):
    if not value_of("PARROT_API_KEY"):
        raise SetupError("PARROT_API_KEY not found: set it in the environment or in .env")
    return Parrot()
"""
PROVIDER_LINE = """\
    ModelChoice(
        name="parrot",
        module="octave_mcp.models.parrot",
        about="An invented provider",
        tested="never",
        needs="PARROT_API_KEY",
        in_auto=True,
    ),
"""

EXPORT = """
class Packed:
    def render(self, playbook):
        return b"\\x00\\xff" + playbook.model_dump_json().encode()


EXPORT = Packed()
"""
EXPORT_LINE = """\
    Format(
        name="packed",
        module="octave_mcp.exports.packed",
        about="Bytes",
        suffix="bin",
        media_type="application/x-packed",
        is_binary=True,
    ),
"""

TOOL = '''
from __future__ import annotations

from typing import Annotated

from pydantic import Field

from octave_mcp.domain.value import Value
from octave_mcp.tools.registry import Call, tool


class Heard(Value):
    word: str


@tool("GET", "/echoes/{word}", title="Echo a word", read_only=True)
async def echo(word: Annotated[str, Field(description="What to say again")], *, call: Call) -> Heard:
    """Say a word again."""
    return Heard(word=word)
'''

ROLE_LINE = """\
    "competitor": RoleTraits(
        reads="elements",
        section="competitor_elements",
        counterpart="vendor",
        serves_other_deals=False,
        quoted_in_copy=False,
        shares=dict.fromkeys(get_args(PageKind), 1),
    ),
}  # fmt: skip
"""
RIVAL = "    competitor: str | None = None\n"
RIVAL_FIELDS = """\
    competitor: NamedCompany | None = None
    competitor_elements: VendorElements[EvidenceId] | None = None

"""
RIVAL_PARAMETER = """\
    request_id: RequestId = None,
    competitor_domain: str | None = None,
"""

# This program first prints how many offerings the rival has. It then prints how many passages the model gets for
# writing sales copy, and how many of these passages are from the rival's site.
SHOWN_TO_WRITERS = f"""
import asyncio, json, sys
from pathlib import Path
sys.path.append({str(ROOT / "tests")!r})
from octave_mcp.domain.asks import WritingBrief
from scripted import VENDOR_TEXTS, ScriptedSource, Stage, invented_sites, pages
RIVAL = "raywright.example"
sites = invented_sites() | {{RIVAL: pages(RIVAL, VENDOR_TEXTS, name="Raywright")}}
async def shown():
    stage = Stage(Path("home"), source=ScriptedSource(sites))
    _, playbook = await stage.run(competitor=RIVAL)
    await stage.runs.close()
    writing = [ask for ask in stage.scripted.asked if isinstance(ask.brief, WritingBrief)]
    urls = [passage.page.url for ask in writing for passage in ask.passages]
    return [len(playbook.competitor_elements.offerings), len(urls), sum(RIVAL in url for url in urls)]
print(json.dumps(asyncio.run(shown())))
"""

# This program prints what users see of an added provider, format or tool: help, tables of the documentation, and the
# finding of `octave-mcp doctor` about the provider's key.
SHOWN = """
import asyncio, json, sys
sys.path.insert(0, "docs")
import generate
from octave_mcp.domain.choices import finished_copy
from octave_mcp.settings import load
from octave_mcp.surfaces.cli.checks import CHECKS
from octave_mcp.surfaces.cli.doctor import examine
checks = [check for check in CHECKS if check.name == "PARROT_API_KEY"]
print(json.dumps({
    "generate": generate.help_of("generate"),
    "export": generate.help_of("export"),
    "tools": generate.tools(),
    "arguments": asyncio.run(generate.arguments("generate_playbook")),
    "models": generate.models(),
    "finished_copy": finished_copy(),
    "formats": generate.formats(),
    "settings": generate.settings(),
    "doctor": [finding.found for finding in examine(checks, load())],
}))
"""


@pytest.fixture
def product(tmp_path: Path) -> ProductCopy:
    return product_copy(tmp_path)


def mcp(client: httpx2.AsyncClient) -> Client[Any]:
    return Client(str(client.base_url.join("/mcp")))


async def openapi(client: httpx2.AsyncClient) -> dict[str, Any]:
    return (await client.get("/openapi.json")).json()


async def written(client: httpx2.AsyncClient, pair: Pair) -> dict[str, Any]:
    answer = await client.post("/runs", json={**pair.few, "wait_seconds": 600})
    report = answer.json()
    assert report["status"] == "completed", report
    return report


def contents(report: dict[str, Any]) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in map(Path, report["files"])}


@pytest.mark.long
async def test_adding_a_provider_takes_a_module_and_a_line_in_the_table(
    product: ProductCopy, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    product.add("octave_mcp/models/parrot.py", PROVIDER)
    product.insert_before(CHOICES, '    ModelChoice(\n        name="compat",\n', PROVIDER_LINE)
    assert len(product.edited) <= 3

    monkeypatch.setenv("OCTAVE_MODEL", "auto")
    keyless = await product.octave("generate", pair.vendor.host, pair.prospect.host)
    monkeypatch.setenv("PARROT_API_KEY", "a-key-of-parrots")
    shown = await product.json_output(SHOWN)
    async with product.serving() as client:
        schema = (await openapi(client))["paths"]["/runs"]["post"]["requestBody"]["content"]["application/json"]
        settings = {item["name"]: item for item in (await client.get("/config")).json()["settings"]}
        report = await written(client, pair)
        playbook = (await client.get(report["links"][0])).json()
        async with mcp(client) as session:
            tools = {tool.name: tool for tool in await session.list_tools()}

    order = "Who writes: openai, anthropic, parrot, compat"
    assert keyless.code == 0
    assert "set OPENAI_API_KEY, ANTHROPIC_API_KEY, PARROT_API_KEY or OCTAVE_COMPAT_MODEL with" in keyless.err
    assert "openai, anthropic, parrot or compat" in shown["generate"]
    assert order in shown["arguments"]
    assert "| `parrot` | `PARROT_API_KEY` | yes | An invented provider |" in shown["models"]
    assert "| `PARROT_API_KEY` |" in shown["settings"]
    assert "ANTHROPIC_API_KEY, PARROT_API_KEY or OCTAVE_COMPAT_MODEL set" in shown["finished_copy"]
    assert shown["doctor"] == ["parrot-1 answers"]
    assert order in tools["generate_playbook"].input_schema["properties"]["model"]["description"]
    assert any("parrot" in item.get("enum", ()) for item in schema["schema"]["properties"]["model"]["anyOf"])
    assert (settings["PARROT_API_KEY"]["value"], settings["PARROT_API_KEY"]["origin"]) == ("***", "environment")
    assert playbook["model"] == "parrot"
    assert "extractive" in {flag["code"] for flag in playbook["flags"]}


@pytest.mark.long
async def test_adding_a_binary_format_takes_a_module_and_a_line_in_the_table(product: ProductCopy, pair: Pair) -> None:
    product.add("octave_mcp/exports/packed.py", EXPORT)
    product.insert_before(CHOICES, '    Format(\n        name="html",\n', EXPORT_LINE)
    assert len(product.edited) <= 2

    shown = await product.json_output(SHOWN)
    async with product.serving() as client:
        operation = (await openapi(client))["paths"]["/runs/{run_id}/playbook.{suffix}"]["get"]
        report = await written(client, pair)
        download = await client.get(f"/runs/{report['run_id']}/playbook.bin")
        async with mcp(client) as session:
            templates = {
                template.uri_template: template.mime_type for template in await session.list_resource_templates()
            }
            (resource,) = await session.read_resource(f"run://{report['run_id']}/playbook.bin")
    exported = await product.octave("export", report["run_id"], "--format", "packed", "--out", "again")
    refused = await product.octave("export", report["run_id"], "--format", "docx")

    content = contents(report)["playbook.bin"]
    assert content.startswith(b"\x00\xff")
    assert f"/runs/{report['run_id']}/playbook.bin" in report["links"]
    assert download.content == content
    assert download.headers["content-type"] == "application/x-packed"
    assert download.headers["content-disposition"].startswith("attachment; filename=")
    assert isinstance(resource, BlobResourceContents)
    assert (base64.b64decode(resource.blob), resource.mime_type) == (content, "application/x-packed")
    assert templates["run://{run_id}/playbook.bin{?version}"] == "application/x-packed"
    assert exported.out == "again/playbook.bin\n"
    assert (product.root / "again" / "playbook.bin").read_bytes() == content
    assert refused.code == 2
    assert "json, markdown, packed, html" in refused.err
    assert "json, markdown, packed or html" in shown["export"]
    assert "playbook.bin" in shown["generate"]
    assert "application/x-packed | Bytes |" in shown["formats"]
    assert "application/x-packed" in operation["responses"]["200"]["content"]
    assert "bin" in operation["parameters"][1]["schema"]["enum"]


@pytest.mark.long
async def test_adding_a_tool_takes_a_module_and_its_import(product: ProductCopy) -> None:
    product.add("octave_mcp/tools/echoes.py", TOOL)
    product.replace(
        "octave_mcp/tools/__init__.py", "    copy_check,\n    playbooks", "    copy_check,\n    echoes,\n    playbooks"
    )
    product.replace("octave_mcp/tools/__init__.py", '"TOOLS",', '"TOOLS", "echoes",')
    assert len(product.edited) <= 2

    shown = await product.json_output(SHOWN)
    async with product.serving() as client:
        operation = (await openapi(client))["paths"]["/echoes/{word}"]["get"]
        over_http = await client.get("/echoes/hello")
        async with mcp(client) as session:
            tools = {tool.name: tool for tool in await session.list_tools()}
            over_mcp = await session.call_tool("echo", {"word": "hello"})

    assert tools["echo"].description == "Say a word again."
    assert over_mcp.structured_content == {"word": "hello"}
    assert (over_http.status_code, over_http.json()) == (200, {"word": "hello"})
    assert operation["summary"] == "Echo a word"
    assert operation["parameters"][0]["description"] == "What to say again"
    assert "| `echo` | Say a word again. | `GET /echoes/{word}` |" in shown["tools"]


def with_competitor(product: ProductCopy) -> None:
    """Add a competitor as a third company, which is researched like a vendor."""
    company, playbook = "octave_mcp/domain/company.py", "octave_mcp/domain/playbook.py"
    product.replace(
        company, 'Role = Literal["vendor", "prospect"]', 'Role = Literal["vendor", "prospect", "competitor"]'
    )
    product.replace(company, "import Literal", "import Literal, get_args")
    product.replace(company, "}  # fmt: skip\n", ROLE_LINE)
    product.insert_before("octave_mcp/domain/run.py", '    context: Annotated[str, Field(max_length=1000)] = ""', RIVAL)
    product.insert_before(playbook, "    @property\n    def companies", RIVAL_FIELDS)
    product.insert_before(playbook, '    "prospect_intelligence",\n', '    "competitor_elements",\n')
    product.insert_before(
        "octave_mcp/pipeline/write_playbook.py",
        "        evidence=dict(drafts.evidence),\n",
        '        competitor_elements=deal["competitor"].elements if "competitor" in deal else None,\n',
    )
    tools = "octave_mcp/tools/playbooks.py"
    product.replace(tools, "    request_id: RequestId = None,\n", RIVAL_PARAMETER)
    product.insert_before(tools, "        context=context,\n", "        competitor=competitor_domain,\n")


@pytest.mark.long
async def test_writers_are_not_shown_pages_of_a_third_company_that_copy_must_not_quote(product: ProductCopy) -> None:
    with_competitor(product)

    offerings, shown, of_the_rival = await product.json_output(SHOWN_TO_WRITERS)

    assert offerings > 0
    assert shown > 0
    assert of_the_rival == 0


@pytest.mark.long
async def test_a_third_company_is_researched_and_counted(
    product: ProductCopy, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_competitor(product)
    assert len(product.edited) <= 6

    rival = LoopbackSite(load("vendor"))
    monkeypatch.setenv("OCTAVE_ALLOW_HOSTS", f"{pair.hosts},{rival.host}")
    async with product.serving() as client:
        asked = {**pair.few, "competitor_domain": f"http://{rival.host}", "wait_seconds": 600}
        report = (await client.post("/runs", json=asked)).json()
        assert report["status"] == "completed", report
        playbook = (await client.get(report["links"][0])).json()
    rival.close()

    elements = {kind: len(found) for kind, found in playbook["competitor_elements"].items()}
    counts = report["overview"]["counts"]
    assert sum(elements.values()) > 0
    assert {kind: counts[f"competitor_{kind}"] for kind in elements} == elements
    assert counts["offerings"] == len(playbook["vendor_elements"]["offerings"])
