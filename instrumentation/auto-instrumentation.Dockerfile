# What the OpenTelemetry operator copies into pods that it instruments: /autoinstrumentation, with Driftline in it. Build it
# from the repository's root, with the Python that your servers have (compiled packages fit one version):
#   docker build --file instrumentation/auto-instrumentation.Dockerfile --build-arg PYTHON=3.12 --tag driftline-auto-instrumentation:0.1.0 .
ARG PYTHON=3.12
FROM python:${PYTHON}-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY collector-config/gateway.yaml collector-config/gateway.yaml
COPY instrumentation/driftline instrumentation/driftline
COPY processor/driftline_processor processor/driftline_processor
# The operator puts both /autoinstrumentation and OpenTelemetry's sitecustomize.py in it on the PYTHONPATH.
RUN pip install --no-cache-dir --constraint constraints.txt --target /autoinstrumentation . \
 && chmod -R go+rX /autoinstrumentation

FROM busybox:1.37.0-musl
COPY --from=build /autoinstrumentation /autoinstrumentation
USER 10001:10001
