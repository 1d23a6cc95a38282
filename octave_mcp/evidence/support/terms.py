"""Lists capitalised words that are not names: terms, job titles, days, and common first words of sentences."""

from __future__ import annotations

TERMS = frozenset(
    """
    AI ML LLM LLMs API SDK UI UX CRM ERP CMS SaaS PaaS IaaS B2B B2C D2C ROI KPI OKR ARR MRR ACV LTV CAC NPS CSAT SLA
    SLO SDR BDR AE AM CSM ICP GTM PLG CEO CTO CFO COO CMO CRO CIO CISO CPO CDO CSO VP SVP EVP HR IT QA R&D PR SEO
    SEM PPC CTA RFP RFI POC TCO EMEA APAC US USA UK EU DACH LATAM Q1 Q2 Q3 Q4 H1 H2 FY CI CD CI/CD DevOps DevSecOps
    RevOps MLOps FinOps DataOps SRE OS VM VMs CVE SSO MFA 2FA VPN SQL NoSQL ETL ELT BI PDF FAQ URL HTTP HTTPS HTML
    CSS JSON CSV XML REST IDE CLI GPU CPU RAM SSD IoT ID IDs OK A/B A B C I I'm I'd I'll I've Mr Mrs Ms Dr MVP SMB
    SMBs KYC MSA NDA SOW PO TAM SAM SPIN MEDDPICC MEDDIC BANT DIY FTE FTEs TV CDN DNS ISV MSP OEM EHR EMR RAG OSS DB
    DBs POA&M Monday Tuesday Wednesday Thursday Friday Saturday Sunday Head Director Manager Lead Chief Officer
    Founder Co-founder Cofounder President Vice Senior Junior Principal Staff Associate Engineering Product Products
    Marketing Growth Sales Data Design Operations Security Finance Support Success Team People Customer Customers
    Engineer Engineers Developer Developers Designer Analyst Architect Executive Partner Partners Partnerships
    Partnership Procurement Legal Compliance Community Representative Account Development Business Enterprise
    Financial Operating Technical Executive General Managing Regional Global Human Resources Administrative
    Platform Infrastructure Revenue Commercial Technology Information Digital Innovation Hi Hello Hey Dear Best
    Thanks Regards Series Seed Round Internet Web English
    """.split()
)

_MONTHS = (
    "jan january|feb february|mar march|apr april|may|jun june|jul july|aug august|sep sept september|oct october"
    "|nov november|dec december"
)
MONTHS = {word: number for number, words in enumerate(_MONTHS.split("|"), 1) for word in words.split()}

# Ordinary words that often start a sentence and could look like names: "Revenue grew".
PLAIN_NOUNS = frozenset(
    """
    access adoption all analytics anything billing both churn clients compliance content conversion costs customer
    customers data deals demand deployment design each either engineering errors everyone everything few finance
    growth half hiring integration integrations leads many marketing most neither nobody nothing onboarding one open
    operations patching people pipeline pricing product products reporting response revenue sales security service
    services software some someone something support team teams time traffic training usage users work
    attrition automation availability capacity cash churn consumption cost downtime efficiency email fraud headcount
    inventory latency leadership mail maintenance management margin money morale output payroll performance
    productivity profit profitability quality rent retention rework salaries satisfaction search shipping spam spend
    spending staff staffing storage supply throughput transparency turnover uptime volume wages waste workload
    """.split()
)

# Function words and similar words, which do not count as names at the start of a sentence.
FUNCTION_WORDS = frozenset(
    """
    anybody anyone it this that there which what who whose whoever whatever whichever wherever whenever everybody
    everyone nobody someone one each either neither here he she they
    whom we you their your our his her its the a an and but so if when where while how why as for in on at to of by from
    with without within all most some any many few such no not only even still also then now today nothing
    everything something anything both after before since until once during through because although however every
    another other two three four five six seven eight nine ten half more less new let please had has have was were
    is are did does do can could would should may might will being having given unlike like despite about over under
    among instead rather via per unless whether neither these those my i ask tell show above across against along
    alongside around atop behind below beneath beside besides between beyond down except inside into near off onto
    opposite out outside past toward towards throughout underneath up upon whereas whom nor or yet than though
    yesterday tomorrow tonight soon later earlier often twice thrice meanwhile otherwise therefore thus hence
    """.split()
)
