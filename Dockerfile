# syntax=docker/dockerfile:1
FROM python:3.13-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY exporter ./exporter
RUN python -m venv /opt/exporter \
 && /opt/exporter/bin/pip install --no-cache-dir --disable-pip-version-check . \
 && /opt/exporter/bin/pip uninstall --yes --disable-pip-version-check pip

FROM python:3.13-slim-bookworm
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="booking-sync-exporter" \
      org.opencontainers.image.description="Prometheus exporter that pages you when a booking calendar falls out of sync" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/exporter /opt/exporter
COPY config/exporter.yml /etc/booking-sync-exporter/exporter.yml
ENV PATH=/opt/exporter/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    BOOKING_SYNC_REVISION=${REVISION}
# Numeric, so that Kubernetes' runAsNonRoot can tell. Nothing is written to the root file system: run with --read-only.
USER 65532:65532
EXPOSE 10888
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["booking-sync-exporter", "healthcheck"]
ENTRYPOINT ["booking-sync-exporter"]
CMD ["--config.file=/etc/booking-sync-exporter/exporter.yml", "--web.listen-address=:10888"]
