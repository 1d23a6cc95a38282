"""Adding a kind of vendor element requires only a class, a field and a prompt."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import read_json
from one_change import ProductCopy, product_copy

DOMAIN, PROMPT = "octave_mcp/domain/vendor.py", "prompts/vendor/mascots.md"
COLLECTOR = "octave_mcp/models/extractive/model.py"

pytestmark = pytest.mark.usefixtures("home")

CLASS = '''
class Mascot(Element[C], Generic[C]):
    """An animal that stands for the vendor."""

    would_fill = "a page about the animal"

    name: str
    text: str

    def merge_key(self) -> Hashable:
        return name_key(self.name)

    def entry(self) -> Entry[C]:
        return Entry(self.evidence, title=self.name, text=self.text, tags=("animal",))


'''
LINE = "    differentiators: tuple[Differentiator[C], ...]\n"

QUESTION = """+++
version = 1
title   = "Mascots"
tier    = "fast"
reads   = ["home"]
limits  = { findings = 3, output_tokens = 500 }
+++
You are a zoologist. Note every mascot of {{ company.name }}.
"""

COLLECT = """def _mascots(pages: Sequence[ReadPage], vendor: str) -> Iterable[Value]:
    from octave_mcp.domain.vendor import Mascot

    return (Mascot[Cite](name=vendor, text=page.lines[0].text, evidence=(page.lines[0].cite,)) for page in pages)


"""

ASKED = """
import asyncio, json, sys
from types import SimpleNamespace

sys.path.insert(0, "docs")

from generate import made
from octave_mcp.asks.prompts import ask_for
from octave_mcp.asks.rendering import rendered
from octave_mcp.asks.schema import schema_of
from octave_mcp.domain.asks import ReadingBrief
from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.value import only
from octave_mcp.domain.vendor import READ_KINDS, VendorAnswer
from octave_mcp.pipeline.read_pack import questions

(question,) = questions("elements", len(READ_KINDS))
brief = ReadingBrief(role="vendor", company="Acme", domain="acme.com", counterpart="", context="")
ask = ask_for(question.prompts, language="en", brief=brief, passages=(), answer=question.answer)
print(json.dumps({
    "system": rendered(ask).system,
    "answer": schema_of(question.answer),
    "alone": schema_of(only(VendorAnswer[Cite], ("mascots",))),
    "playbook": Playbook.model_json_schema(),
    "docs": asyncio.run(made("<!-- generated: kinds -->\\n<!-- end -->")),
}))
"""


def with_mascots(root: Path) -> ProductCopy:
    product = product_copy(root)
    product.insert_before(DOMAIN, "class VendorElements(", CLASS.lstrip())
    product.replace(DOMAIN, LINE, f"{LINE}    mascots: tuple[Mascot[C], ...]\n")
    product.add(PROMPT, QUESTION)
    return product


async def demo(product: ProductCopy, folder: Path) -> tuple[dict[str, Any], dict[str, Any], str, str]:
    """Run the demo without a language model, and return the report and the playbook in three formats.

    The demo's recordings are deleted first, because they contain no answers for the new kind.
    """
    shutil.rmtree(product.root / "octave_mcp" / "demo" / "recordings")
    ended = await product.octave("demo", "--out", str(folder), "--json")
    assert ended.code == 0, ended.err
    html, markdown = ((folder / f"playbook.{suffix}").read_text("utf-8") for suffix in ("html", "md"))
    return json.loads(ended.out), read_json(folder / "playbook.json"), html, markdown


@pytest.mark.long
async def test_a_new_kind_is_in_the_prompt_the_schemas_and_the_documents(tmp_path: Path) -> None:
    product = with_mascots(tmp_path)

    texts = await product.json_output(ASKED)

    assert len(product.edited) == 2
    assert "You are a zoologist. Note every mascot of Acme." in texts["system"]
    assert "mascots" in texts["answer"]["required"]
    assert texts["alone"]["required"] == ["mascots"]
    assert "mascots" in json.dumps(texts["playbook"]["$defs"]["VendorElements_str_"]["required"])
    assert "| Mascots | `mascots` | a page about the animal |" in texts["docs"]


@pytest.mark.long
async def test_a_new_kind_is_merged_counted_and_shown_in_every_format(tmp_path: Path) -> None:
    product = with_mascots(tmp_path)
    product.insert_before(COLLECTOR, "_ELEMENTS: dict[", COLLECT)
    product.replace(
        COLLECTOR, '"use_cases": use_cases.use_cases', '"mascots": _mascots,\n    "use_cases": use_cases.use_cases'
    )

    report, playbook, html, markdown = await demo(product, tmp_path / "out")

    assert len(product.edited) == 3
    (mascot,) = playbook["vendor_elements"]["mascots"]
    assert len({playbook["evidence"][id_]["url"] for id_ in mascot["evidence"]}) > 3, "packs were not merged"
    assert not [gap for gap in playbook["gaps"] if "mascots" in gap["section"]]
    assert '<summary><h3>Mascots</h3> <span class="count">1</span></summary>\n<ul class="found">\n<li><strong>' in html
    assert f"- **Mascots** (1): {mascot['name']}" in markdown
    assert report["overview"]["counts"]["mascots"] == 1


@pytest.mark.long
async def test_a_new_kind_that_is_not_found_leaves_a_gap(tmp_path: Path) -> None:
    _, playbook, html, markdown = await demo(with_mascots(tmp_path), tmp_path / "out")

    assert playbook["vendor_elements"]["mascots"] == []
    (gap,) = [gap for gap in playbook["gaps"] if gap["section"] == "vendor_elements.mascots"]
    assert gap["would_fill"] == "a page about the animal"
    assert "What would fill it: a page about the animal" in markdown
    assert '<details open>\n<summary><h3>Mascots</h3> <span class="count">0</span>' in html
