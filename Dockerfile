# The service and the command line. Everything Python comes from requirements.lock, checked by hash.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS libraries
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.lock /tmp/
RUN python -m venv /opt/venv \
 && /opt/venv/bin/python -m pip install --quiet --require-hashes --only-binary :all: -r /tmp/requirements.lock

FROM ${PYTHON_IMAGE}
RUN groupadd --gid 10001 migration \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin migration \
 && install -d -o migration -g migration /inbox
COPY --from=libraries /opt/venv /opt/venv
COPY schemas /app/schemas
COPY messaging /app/messaging
COPY consumer /app/consumer
COPY producer_cli /app/producer_cli
# Run from the sources, so that nothing unpinned is needed to build a wheel; the commands are those of the package.
RUN for command in migration-consumer:consumer migration:producer_cli; do \
      printf '#!/bin/sh\nexec python -m %s "$@"\n' "${command#*:}" > "/opt/venv/bin/${command%%:*}" \
      && chmod 755 "/opt/venv/bin/${command%%:*}" || exit 1; \
    done \
 && PYTHONPATH=/app /opt/venv/bin/python -m compileall -q /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MIGRATION_INBOX=/inbox \
    MIGRATION_HTTP_HOST=0.0.0.0 \
    MIGRATION_HTTP_PORT=8084 \
    MIGRATION_LOG_FORMAT=json
WORKDIR /app
USER migration
EXPOSE 8084
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=6 \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['MIGRATION_HTTP_PORT'] + '/readyz', timeout=4)"]
ENTRYPOINT ["migration-consumer"]
CMD ["run"]
