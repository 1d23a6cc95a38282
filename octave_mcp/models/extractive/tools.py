"""Names of software tools that companies build with and connect to."""

from __future__ import annotations

import re

_NAMES = """
Airbyte|Airflow|Airtable|Akamai|Algolia|Amazon Redshift|Amazon S3|Amplitude|Angular|Ansible|Anthropic|Apache Iceberg
Apache Kafka|Apache Spark|Apollo|Appsflyer|Argo CD|Asana|Astro|Athena|Auth0|AWS|AWS Lambda|Azure|Azure DevOps
BigCommerce|BigQuery|Bitbucket|Braze|Buildkite|Calendly|Canva|Cassandra|Celery|Census|Chargebee|ChatGPT|CircleCI
Clearbit|ClickHouse|Clickup|Clerk|Cloudflare|CloudFormation|CockroachDB|Confluence|Contentful|Couchbase|Customer.io
Cypress|Databricks|Datadog|dbt|Debezium|Deno|Discord|Django|Docker|DocuSign|Drupal|DuckDB|DynamoDB|Elasticsearch
Elastic|Elixir|Express|Fastly|Figma|Firebase|Firestore|Fivetran|Flink|Flutter|Fly.io|Freshdesk|FullStory|Gainsight
Gatsby|GCP|GitHub|GitHub Actions|GitLab|Gmail|Go|Golang|Gong|Google Ads|Google Analytics|Google BigQuery
Google Calendar|Google Cloud|Google Cloud Platform|Google Drive|Google Sheets|Google Tag Manager|Google Workspace
Grafana|GraphQL|Greenhouse|Hasura|HashiCorp Vault|Heap|Helm|Heroku|Hetzner|Hightouch|Honeycomb|Hotjar|HubSpot
Hugging Face|Iceberg|InfluxDB|Intercom|Java|JavaScript|Jenkins|Jira|Kafka|Keycloak|Kibana|Kinesis|Klaviyo|Kotlin
Kubernetes|LangChain|Laravel|LaunchDarkly|Linear|LinkedIn|Linkerd|LlamaIndex|Logstash|Looker|Looker Studio|Loom
Magento|Mailchimp|MariaDB|Marketo|Matomo|Metabase|Microsoft Azure|Microsoft Dynamics|Microsoft Teams|Milvus|Mixpanel
Mongo|MongoDB|Monday.com|MQTT|MySQL|NetSuite|Netlify|New Relic|Next.js|NestJS|Nginx|Node.js|Notion|Nuxt|Okta|OpenAI
OpenSearch|OpenTelemetry|Optimizely|Oracle|OVHcloud|PagerDuty|Parquet|PayPal|Percona|pgvector|PHP|Pinecone|Pipedrive
Plaid|Postgres|PostgreSQL|Postman|PostgREST|Power BI|Prefect|Presto|Prisma|Prometheus|Pulumi|Pusher|Python|PyTorch
Qdrant|QuickBooks|RabbitMQ|Rails|React|React Native|Recurly|Redash|Redis|Redshift|Rudderstack|Remix|Render|Retool
Ruby on Rails|Rust|SAP|Salesforce|Scala|Segment|SendGrid|Sentry|ServiceNow|Shopify|SingleStore|Slack|Snowflake
Snowplow|Spark|Splunk|Spring Boot|SQL Server|SQLite|Square|Stitch|Stripe|Superset|Svelte|Swift|Tableau|Tailwind|Teams
Telegraf|TensorFlow|Terraform|TestFlight|TimescaleDB|Trello|Trino|Twilio|TypeScript|Typeform|Unity|Vercel|Vault|Vimeo
VMware|Vue|Vue.js|WebAssembly|Webflow|WhatsApp|Whisper|WordPress|WooCommerce|Workday|Xero|Zapier|Zendesk|Zoho|Zoom
1Password
"""
TOOLS = frozenset(name for line in _NAMES.split("\n") for name in line.split("|") if name)
# Tool names that are often used in another sense, such as ordinary words. At the start of a text or right after a
# capitalized word, they do not count as tools: 'Go to settings'.
_PLAIN_WORDS = frozenset(
    {
        "Go", "Teams", "Express", "Segment", "Linear", "Render", "Square", "Stitch", "Heap", "Vault", "Swift", "Unity",
        "Spark", "Remix", "Canva", "Apollo", "Census", "Athena", "Whisper", "Loom", "Elastic", "Clerk", "Astro", "Helm",
        "Prefect", "Notion", "Oracle", "Presto", "Iceberg", "Rust", "Rails", "React", "Java", "Flutter", "Angular",
        "LinkedIn",
    }
)  # fmt: skip

# Put the longest names first, because a regular expression takes the first alternative that matches: 'Google Cloud
# Platform' before 'Google Cloud'. Names inside paths, e-mail addresses and domains do not match: '/Slack',
# 'Segment.io'.
_TOOL = re.compile(
    rf"(?<![\w@./-])(?:{'|'.join(re.escape(name) for name in sorted(TOOLS, key=len, reverse=True))})(?![\w@-]|\.\w)"
)


def tools_in(text: str) -> list[tuple[str, int]]:
    """Return the tools that a text names, with their offsets. If names overlap, return only the longest name."""
    matches = ((match[0], match.start()) for match in _TOOL.finditer(text))
    return [(name, start) for name, start in matches if name not in _PLAIN_WORDS or _is_name(text, start)]


def _is_name(text: str, start: int) -> bool:
    """Whether an ordinary word is used as a tool's name.

    The word must not be at the start of the text or at the end of another name ('Adobe Express').
    """
    before = text[:start].split()[-1:]
    return start > 0 and not (before and before[0][:1].isupper() and before[0][-1:].isalnum())
