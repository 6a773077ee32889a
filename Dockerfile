# The service in one image; docker-compose.yml runs it once per group of roles.
FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements.lock ./
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY monitor monitor
COPY consumers consumers
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN useradd --uid 10001 --create-home monitor && install -d -o monitor /data
COPY --from=build /venv /venv
COPY config /config
USER 10001
ENV PATH=/venv/bin:$PATH \
    MONITOR_CONFIG_DIR=/config \
    MONITOR_DATA_DIR=/data \
    MONITOR_HOST=0.0.0.0 \
    MONITOR_LOG_FORMAT=json
VOLUME /data
EXPOSE 8000
# By a client that knows no proxy: Docker may have put one into the environment.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD \
    ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8000, timeout=4); c.request('GET', '/livez'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["monitor"]
CMD ["run"]
