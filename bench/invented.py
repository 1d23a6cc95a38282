"""Invented company websites of any size, in English or German, for the benchmark.

The same description always gives the same pages. Names and figures are invented; a figure or name that one page states
does not occur by chance on another page with a different meaning.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from html import escape

# A real page has far more HTML than text. This block of style and script stands for the difference.
HEAD_RULES = 220


@dataclass(frozen=True, slots=True)
class Invented:
    """A website to invent.

    - `pages`: the number of pages; further addresses up to `addresses` are only listed in the sitemap.
    - `paragraphs`: paragraphs per page.
    """

    name: str
    trade: str = "vendor"
    language: str = "en"
    pages: int = 25
    addresses: int = 0
    paragraphs: int = 7

    def documents(self, origin: str) -> dict[str, tuple[str, str]]:
        """Return the media type and the content of each path."""
        paths = self.paths
        listed = [*paths, *(f"/archive/{number}" for number in range(self.addresses - len(paths)))]
        urls = "".join(f"<url><loc>{origin}{path}</loc></url>" for path in listed)
        return {
            "/robots.txt": ("text/plain", f"User-agent: *\nAllow: /\nSitemap: {origin}/sitemap.xml\n"),
            "/sitemap.xml": ("application/xml", f"<urlset xmlns='{SITEMAP}'>{urls}</urlset>"),
            **{path: ("text/html", html) for path, html in _pages(self).items()},
        }

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in zip(self._paths(), range(self.pages), strict=False)]

    def _paths(self) -> Iterator[str]:
        yield "/"
        sections = SECTIONS[self.trade]
        for number in range(1, self.pages + 1):
            yield from (path if number == 1 else f"{path}/{number}" for path in sections if number == 1 or path in MANY)

    def html(self, path: str, paths: list[str]) -> str:
        drawn = random.Random(f"{self.name} {path}")  # noqa: S311 - not for security
        title = self._title(path)
        links = "".join(f'<li><a href="{each}">{escape(self._title(each))}</a></li>' for each in paths[:24])
        data = json.dumps({"@context": "https://schema.org", "@type": "Organization", "name": self.name})
        code = "/* app */" * HEAD_RULES
        rules = "".join(f".c{number}{{margin:{number % 9}px;color:#{number:06x}}}" for number in range(HEAD_RULES))
        body = "".join(self._section(drawn, path, number) for number in range(self.paragraphs))
        return (
            f'<!doctype html><html lang="{self.language}"><head><meta charset="utf-8"><title>{escape(title)} | '
            f'{self.name}</title><meta property="og:site_name" content="{self.name}"><style>{rules}</style>'
            f'<script type="application/ld+json">{data}</script></head>'
            f"<body><header><nav><ul>{links}</ul></nav></header><main><h1>{escape(title)}</h1>{body}</main>"
            f"<footer><p>© {self.name}</p><ul>{links}</ul></footer><script>{code}</script></body></html>"
        )

    def _title(self, path: str) -> str:
        if path == "/":
            return f"{self.name}: {CLAIMS[self.language][self.trade]}"
        first, _, last = path.strip("/").rpartition("/")
        return f"{(first or last).replace('-', ' ').title()} {last if first else ''}".strip()

    def _section(self, drawn: random.Random, path: str, number: int) -> str:
        lines = SENTENCES[self.language][self.trade]
        facts = [line.format(**self._values(drawn)) for line in drawn.sample(lines, 4)]
        heading = f"<h2>{escape(self._title(path))}: {number + 1}</h2>"
        text = f"{heading}<p class='c{number}'>{escape(' '.join(facts[:3]))}</p>"
        if number % 3 == 0:
            return f"{text}<ul><li><span>{escape(facts[3])}</span></li></ul>"
        return f"<section><div class='c{number + 40}'><div>{text}</div></div></section>"

    def _values(self, drawn: random.Random) -> Mapping[str, object]:
        return {
            "us": self.name,
            "customer": drawn.choice(CUSTOMERS),
            "person": f"{drawn.choice(FIRST_NAMES)} {drawn.choice(LAST_NAMES)}",
            "few": drawn.randint(3, 19),
            "many": drawn.randint(120, 980),
            "share": drawn.randint(11, 89),
            "price": drawn.randint(20, 900),
            "year": drawn.randint(2015, 2026),
        }


@cache
def _pages(site: Invented) -> dict[str, str]:
    """Return the HTML of each path. Hundreds of copies of a site share their pages."""
    return {path: site.html(path, site.paths) for path in site.paths}


SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
SECTIONS = {
    "vendor": (
        "/product", "/pricing", "/customers", "/about", "/case-studies", "/integrations", "/security", "/blog",
        "/use-cases", "/solutions",
    ),
    "prospect": ("/about", "/careers", "/news", "/services", "/technology", "/locations", "/blog", "/partners"),
}  # fmt: skip
# Sections that have several pages.
MANY = frozenset({"/product", "/case-studies", "/blog", "/use-cases", "/careers", "/news", "/services"})
CLAIMS = {
    "en": {"vendor": "software that plans the work of field crews", "prospect": "heating and cooling for every home"},
    "de": {"vendor": "Software für die Einsatzplanung", "prospect": "Heizung und Kühlung für jedes Haus"},
}
CUSTOMERS = ("Brassmere", "Tidewell", "Oakhollow", "Fernleigh", "Quarrybank", "Saltmarsh", "Pinehurst", "Marlowe")
FIRST_NAMES = ("Anna", "Boris", "Clara", "David", "Elena", "Felix", "Greta", "Henry", "Ines", "Jonas")
LAST_NAMES = ("Albrecht", "Barlow", "Castell", "Dunmore", "Ekberg", "Farnham", "Gellert", "Hollis", "Ingram", "Jarvis")
SENTENCES = {
    "en": {
        "vendor": (
            "{customer} cut the time from call to visit by {share} % within {few} weeks.",
            "With {us}, {customer} plans {many} visits a day with {few} dispatchers.",
            "Dispatchers see every open job, every crew and every part in one place.",
            "The Planner assigns each job to the nearest crew that has the right skills.",
            "The Standard plan costs ${price} per crew and month, and there is no fee for dispatchers.",
            '"We stopped planning on paper in a single week," says {person}, Head of Operations at {customer}.',
            "{us} connects to Salesforce, SAP and Microsoft Teams without a line of code.",
            "Crews report a finished job from their phone, even without a network.",
            "All data is encrypted and stored in two regions, and backups are kept for {many} days.",
            "{us} was founded in {year} and has {many} employees in {few} countries.",
            "Unlike route planners, {us} also knows which parts are in which van.",
            "Operations leaders use the weekly report to find the {few} most frequent causes of repeat visits.",
            "Repeat visits at {customer} fell from {share} to {few} percent in {year}.",
            "A new crew is ready to use the app after {few} minutes of training.",
            "Finance teams get each invoice on the day of the visit instead of {few} days later.",
            "The customer sees on a map when the technician will arrive, to within {few} minutes.",
        ),
        "prospect": (
            "{us} has {many} technicians at {few} locations.",
            "In {year} we opened {few} new service centres and hired {many} people.",
            "Our dispatchers still plan most visits on the phone, which takes hours every morning.",
            "We are looking for a Head of Field Operations who replaces our spreadsheets with one system.",
            "{person} joined {us} in {year} as Chief Operating Officer.",
            "We promise an appointment within {few} days, and we want to promise it within {few} hours.",
            "Last winter, {share} % of our emergency calls came in a single week.",
            "We use Salesforce for our sales team and SAP for our finance team.",
            "Growing demand for heat pumps means that we need to train {many} technicians by {year}.",
            "Too many visits end without a repair, because the right part is not in the van.",
            "We invested ${price} million in our central warehouse in {year}.",
            "Customers ask for shorter time windows, and our planning does not allow them yet.",
            "Our apprentices learn in {few} workshops across the country.",
            "{us} serves {many} property managers and more than {price},000 homes.",
            "The new customer portal shows every appointment and every invoice.",
            "We are hiring a Director of Customer Service for our {few} regions.",
        ),
    },
    "de": {
        "vendor": (
            "{customer} verkürzte die Zeit vom Anruf bis zum Besuch in {few} Wochen um {share} %.",
            "Mit {us} plant {customer} {many} Besuche am Tag mit {few} Disponenten.",
            "Disponenten sehen alle offenen Aufträge, alle Teams und alle Ersatzteile an einer Stelle.",
            "Der Planer gibt jeden Auftrag an das nächste Team mit den richtigen Fähigkeiten.",
            "Der Tarif Standard kostet {price} € je Team und Monat, Disponenten sind kostenlos.",
            "„Wir planen seit dieser Woche nicht mehr auf Papier“, sagt {person}, Betriebsleiter bei {customer}.",
            "{us} verbindet sich mit Salesforce, SAP und Microsoft Teams.",
            "Techniker melden einen erledigten Auftrag mit dem Telefon, auch ohne Netz.",
            "Alle Daten sind verschlüsselt und werden {many} Tage lang gesichert.",
            "{us} wurde {year} gegründet und hat {many} Mitarbeiter in {few} Ländern.",
        ),
        "prospect": (
            "{us} hat {many} Techniker an {few} Standorten.",
            "Im Jahr {year} haben wir {few} neue Standorte eröffnet und {many} Menschen eingestellt.",
            "Unsere Disponenten planen die meisten Besuche noch am Telefon.",
            "Wir suchen eine Leitung für den Außendienst, die unsere Tabellen durch ein System ersetzt.",
            "{person} ist seit {year} Betriebsleiter von {us}.",
            "Im letzten Winter kamen {share} % der Notrufe in einer einzigen Woche.",
            "Wir nutzen Salesforce im Vertrieb und SAP in der Buchhaltung.",
            "Viele Besuche enden ohne Reparatur, weil das richtige Teil nicht im Wagen ist.",
            "Wir haben {year} in unser Zentrallager {price} Millionen Euro investiert.",
            "Kunden wünschen sich kürzere Zeitfenster, die unsere Planung noch nicht erlaubt.",
        ),
    },
}
