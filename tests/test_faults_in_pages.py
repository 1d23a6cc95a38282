"""A playbook must be correct even if the two sites have irregular markup, as many real sites do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import LoopbackSite, Pair, allow, octave, read_json

from octave_mcp.demo.sites import Document, load

TODAY = datetime.now(UTC).date()
MODIFIED, FORUM = TODAY - timedelta(days=27), TODAY + timedelta(days=98)
SITEMAP = """\ufeff
<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
  xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
{entries}
</urlset>"""
ENTRY = """<url><image:image><image:loc>ORIGIN/wp-content/uploads/{name}.png</image:loc></image:image>
<loc><![CDATA[ {path} ]]></loc><lastmod>2026-11-02</lastmod></url>"""

VENDOR = {
    "/": """<title>Tidewright | Berth planning</title><div class="hero-banner"><h1>Tidewright plans berths</h1>
<p>Tidewright plans the berths of ports, and tells pilots of late ships.</p></div>
<p class="gdpr-hint">Trusted by 3,000<sup><a href="#n1">1</a></sup> harbour masters in nine countries.</p>
<p id="n1"><sup>1</sup> As counted in October 2026.</p>""",
    "/product": """<title>Product | Tidewright</title><h1>Berth planning</h1>
<h2><a href="/product/tide">Shop Quay Control</a></h2>
<p>Harbour masters see every crane and every ship on one map.</p>
<h2>Late ships</h2><p>Tidewright warns your pilots of late ships three hours before they arrive.</p>""",
    "/pricing": """<title>Pricing | Tidewright</title><h1>Pricing</h1>
<div class="plan"><span class="name" style="display:block">Harbour</span><span><s>$990</s>$490</span>
<span>per month</span></div><p>Terminals pay $19<sup>99</sup> for each crane and month.</p>""",
    "/compare/harbourly": """<title>Tidewright vs. Harbourly</title><h1>Tidewright vs. Harbourly</h1>
<p>Harbourly is a planning tool for marinas.</p><table>
<tr><th>Area</th><th>Feature</th><th>Tidewright</th><th>Harbourly</th></tr>
<tr><td rowspan="2">Planning</td><td>Tide forecast</td><td>Yes</td><td>No</td></tr>
<tr><td>Crane plan</td><td>Yes</td><td>No</td></tr>
<tr><td rowspan="2">Safety</td><td>Pilot alerts</td><td>Yes</td><td>No</td></tr>
<tr><td>Own servers</td><td>No</td><td>No</td></tr></table>""",
    "/customers/marlow": """<title>Marlow | Tidewright</title><article>
<h1>Marlow cut waiting ships by 42%<sup>2</sup></h1>
<p>Marlow Port had late ships at every third berth.</p>
<p>With Tidewright, Marlow Port cut the hours that late ships wait by 42%<sup>2</sup>.</p>
<footer><p>“We no longer plan berths on paper.” Tamsin Orrell, harbour master at Marlow Port</p></footer></article>""",
}
PROSPECT = {
    "/": """<title>Quayhaven</title><h1>Quayhaven</h1><p>Quayhaven runs four container ports on the west coast.</p>
<nav><a href="/news/late-ships">Late ships</a> <a href="/about">About us</a> <a href="/careers">Careers</a></nav>""",
    "/about": """<title>About us | Quayhaven</title><h1>About us</h1>
<p>Quayhaven runs four container ports with 900 people.</p>
<p>Founders: it takes a founder's patience to dredge a harbour.</p>""",
    "/news/late-ships": f"""<title>Late ships | Quayhaven</title><script type="application/ld+json">
{{"@context": "https://schema.org", "@type": "NewsArticle", "datePublished": "2017-02-03",
"dateModified": "{MODIFIED}"}}
</script><h1>What late ships cost us</h1>
<p>Quayhaven struggles with late ships: every week 40 of them block a berth that another ship needs.</p>
<p>See us at the harbour forum on <time datetime="{FORUM}">{FORUM:%d %B %Y}</time>.</p>""",
    "/careers": """<title>Careers | Quayhaven</title><h1>Careers</h1>
<p>We are hiring a Head of Berth Planning who plans late ships by hand today.</p>""",
}


@dataclass(frozen=True)
class Deal:
    playbook: dict[str, Any]

    @property
    def text(self) -> str:
        return json.dumps(self.playbook, ensure_ascii=False)

    @property
    def quotes(self) -> list[str]:
        return [evidence["quote"] for evidence in self.playbook["evidence"].values()]


def served(pages: dict[str, str], sitemap: str | None) -> LoopbackSite:
    site = LoopbackSite(load("vendor"))
    html = "<!doctype html><html lang='en'><meta charset='utf-8'><body><main>{}</main></body></html>"
    site.documents = {path: Document(html.format(page).encode(), "text/html") for path, page in pages.items()}
    if sitemap:
        text = sitemap.replace("ORIGIN", f"http://{site.host}").strip("\ufeff")
        site.documents["/sitemap.xml"] = Document(text.encode(), "application/xml")
    return site


@pytest.fixture
def sites(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    entries = "\n".join(ENTRY.format(path=path, name=path.strip("/").replace("/", "-")) for path in VENDOR)
    pair = Pair(served(VENDOR, SITEMAP.format(entries=entries)), served(PROSPECT, None))
    allow(pair, monkeypatch)
    yield pair
    pair.close()


@pytest.fixture
async def deal(sites: Pair, tmp_path: Path) -> Deal:
    ended = await octave("generate", sites.vendor.host, sites.prospect.host, "--out", "deal", cwd=tmp_path)
    assert ended.code == 0, ended.err
    return Deal(read_json(tmp_path / "deal" / "playbook.json"))


async def test_the_playbook_says_what_the_pages_show(deal: Deal, sites: Pair) -> None:
    """The run reads the pages in the sitemap. The playbook quotes figures, prices, comparisons and dates correctly."""
    read = {path for path, hits in sites.vendor.hits.items() if hits}
    assert read >= VENDOR.keys()
    assert not any(path.endswith(".png") for path in read)

    for untrue in ("42%2", "3,0001", "$1999", "$990 $490", "$990$490"):
        assert untrue not in deal.text, untrue
    assert any("by 42%." in quote for quote in deal.quotes)
    assert not any("Own servers" in quote and "Yes" in quote for quote in deal.quotes)

    need = "Quayhaven struggles with late ships"
    (cited,) = [evidence for evidence in deal.playbook["evidence"].values() if need in evidence["quote"]]
    assert cited["published_on"] == str(MODIFIED)
    pains = deal.playbook["prospect_intelligence"]["pain_points"]
    assert cited["id"] in pains[0]["evidence"]
    assert not any(flag["code"] == "stale" for flag in deal.playbook["flags"])
    assert "it takes a founder" not in json.dumps(deal.playbook["prospect_intelligence"].get("buyer_personas"))
