# The program alone: no home, no key, no secret is in the image. Every package is held against its hash.
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements.lock ./
# All that the lock names comes in here, checked; only what the program needs goes on from here.
RUN python -m pip wheel --quiet --require-hashes --requirement requirements.lock --wheel-dir /wheels \
 && python -m pip install --quiet --no-index --find-links /wheels uv_build
COPY pyproject.toml README.md ./
COPY gateway gateway
COPY adapters adapters
COPY consent consent
COPY xoev_schemas xoev_schemas
RUN python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels . \
 && python -m venv /opt/einmal \
 && /opt/einmal/bin/python -m pip install --quiet --no-index --find-links /wheels einmal \
 && /opt/einmal/bin/python -m pip uninstall --quiet --yes pip

FROM python:3.13-slim
RUN groupadd --system --gid 10001 einmal \
 && useradd --system --uid 10001 --gid einmal --no-create-home --home-dir /srv/einmal --shell /usr/sbin/nologin einmal
COPY --from=build /opt/einmal /opt/einmal
ENV PATH=/opt/einmal/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /srv/einmal
STOPSIGNAL SIGTERM
ENTRYPOINT ["einmal"]
CMD ["serve"]
