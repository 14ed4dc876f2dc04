# The server alone: no tests, no fixtures, no build tools.
# Pinned by its exact version; where a registry can be asked, add its digest (`docker buildx imagetools inspect`).
FROM python:3.11.14-slim-bookworm

WORKDIR /app
COPY requirements-run.lock ./
# The commands of `make install-run`; a test holds the two together.
RUN python -m venv .venv
RUN .venv/bin/python -m pip --disable-pip-version-check install --require-hashes -r requirements-run.lock

COPY ontology ontology
COPY collectors collectors
COPY modules modules
COPY server server
COPY LICENSE pyproject.toml ./
# Whoever runs this may not write here: without it each start would compile all of it again, a second.
RUN .venv/bin/python -m compileall -q ontology collectors modules server

# It listens on all addresses, so it starts with issuers only (docs/authorisation.md): mount settings, or set MEDTWIN_ISSUERS.
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    MEDTWIN_SERVER__HOST=0.0.0.0 \
    MEDTWIN_SERVER__PORT=8000

# A number needs no entry in the user database, and lets an orchestrator see that it is not root.
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import http.client as h, os, sys; c = h.HTTPConnection('127.0.0.1', int(os.environ['MEDTWIN_SERVER__PORT']), timeout=4); c.request('GET', '/health'); sys.exit(c.getresponse().status != 200)"]
CMD ["python", "-m", "server", "serve"]
