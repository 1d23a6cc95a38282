FROM python:3.12-slim AS built

RUN python -m venv /opt/octave
ENV PATH=/opt/octave/bin:$PATH
WORKDIR /src

# Dependencies first: they change less often than our code, so Docker can reuse this layer.
COPY requirements.lock ./
RUN pip install --disable-pip-version-check --no-cache-dir --no-deps --require-hashes --requirement requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY prompts prompts
COPY octave_mcp octave_mcp
RUN pip install --disable-pip-version-check --no-cache-dir --no-deps --no-build-isolation .


FROM python:3.12-slim

RUN useradd --system --uid 10001 --no-create-home octave && install --directory --owner octave /data
COPY --from=built /opt/octave /opt/octave

ENV PATH=/opt/octave/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    OCTAVE_HOME=/data
USER octave
WORKDIR /data
VOLUME /data
EXPOSE 7777

HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:7777/livez', timeout=4)"]

# 0.0.0.0 is reachable from other machines, so the server refuses to start unless OCTAVE_TOKENS is set.
CMD ["octave-mcp", "serve", "--transport", "http", "--host", "0.0.0.0", "--port", "7777"]
