"""Names of tools and standards that companies build with, connect to and are certified by."""

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
# Names that are words as well: one that begins a sentence says nothing.
_PLAIN_WORDS = frozenset(
    {
        "Go", "Teams", "Express", "Segment", "Linear", "Render", "Square", "Stitch", "Heap", "Vault", "Swift", "Unity",
        "Spark", "Remix", "Canva", "Apollo", "Census", "Athena", "Whisper", "Loom", "Elastic", "Clerk", "Astro", "Helm",
        "Prefect", "Notion", "Oracle", "Presto", "Iceberg", "Rust", "Rails", "React", "Java", "Flutter", "Angular",
        "LinkedIn",
    }
)  # fmt: skip
_FOUND = re.compile(
    rf"(?<![\w@./-])(?:{'|'.join(re.escape(name) for name in sorted(TOOLS, key=len, reverse=True))})(?![\w@-]|\.\w)"
)


def tools_in(text: str) -> list[tuple[str, int]]:
    """The tools that a text names, and where; the longest name counts."""
    found = ((match[0], match.start()) for match in _FOUND.finditer(text))
    return [(name, at) for name, at in found if name not in _PLAIN_WORDS or _is_name(text, at)]


def _is_name(text: str, at: int) -> bool:
    """'Express' begins a sentence, and ends the name of 'Adobe Express'."""
    before = text[:at].split()[-1:]
    return at > 0 and not (before and before[0][:1].isupper() and before[0][-1:].isalnum())
