# One image for migrate, api, worker and dispatcher; the command says which.

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/tether
# The lock first: this layer stays while only code changes.
COPY deploy/requirements.lock /build/deploy/
RUN /opt/tether/bin/pip install --require-hashes --only-binary :all: -r /build/deploy/requirements.lock
COPY . /build
RUN /opt/tether/bin/pip install --no-deps --no-build-isolation /build

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/tether --create-home tether
COPY --from=build /opt/tether /opt/tether
COPY deploy/healthcheck.py /opt/tether/
ENV PATH=/opt/tether/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /var/lib/tether
USER 10001:10001
EXPOSE 8080 9090
# Each service states its own HEALTHCHECK in docker-compose.yml: they serve different things.
CMD ["tether", "serve"]
