# syntax=docker/dockerfile:1
# The digest is that of the tag, for every architecture; Renovate moves both.
FROM python:3.13-slim-bookworm@sha256:9d7f287598e1a5a978c015ee176d8216435aaf335ed69ac3c38dd1bbb10e8d64 AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /src
# First what rarely changes. Nothing is installed that has not the hash of a lock, the build backend neither.
COPY requirements.lock requirements-build.lock ./
RUN python -m venv /opt/exporter \
 && /opt/exporter/bin/pip install --require-hashes --requirement requirements.lock \
 && python -m venv /opt/build \
 && /opt/build/bin/pip install --require-hashes --requirement requirements-build.lock
COPY pyproject.toml PYPI.md LICENSE ./
COPY exporter ./exporter
COPY config ./config
COPY docs/booking-sync-exporter.1 ./docs/
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /tmp . \
 && /opt/exporter/bin/pip install --no-deps --no-index /tmp/*.whl \
 && /opt/exporter/bin/pip uninstall --yes pip

FROM python:3.13-slim-bookworm@sha256:9d7f287598e1a5a978c015ee176d8216435aaf335ed69ac3c38dd1bbb10e8d64
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="booking-sync-exporter" \
      org.opencontainers.image.description="Prometheus exporter that tells you when a booking calendar falls out of sync" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/exporter /opt/exporter
COPY config/exporter.yml /etc/booking-sync-exporter/exporter.yml
ENV PATH=/opt/exporter/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    BOOKING_SYNC_REVISION=${REVISION}
# For volumes, which take over owner and mode: state file and token files, and compose.yaml's password and rehearsal.
RUN install -d -o 65532 -g 65532 -m 0700 /var/lib/booking-sync-exporter \
 && install -d -o 65532 -g 65532 -m 0755 /run/monitoring /run/hurried
# Numeric, so that Kubernetes' runAsNonRoot can tell. Nothing is written to the root file system: run with --read-only.
USER 65532:65532
EXPOSE 10888
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["booking-sync-exporter", "healthcheck"]
ENTRYPOINT ["booking-sync-exporter"]
CMD ["--config.file=/etc/booking-sync-exporter/exporter.yml", "--web.listen-address=:10888"]
