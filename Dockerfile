# The build stage installs into /opt/assent from the lock files; the run stage gets that directory and nothing else.
FROM python:3.11-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1

WORKDIR /src
RUN python -m venv --without-pip /opt/assent && python -m venv /opt/builder

COPY requirements/run.txt requirements/build.txt requirements/
RUN /opt/builder/bin/pip --python /opt/assent/bin/python install --require-hashes --only-binary :all: -r requirements/run.txt \
    && /opt/builder/bin/pip install --require-hashes --only-binary :all: -r requirements/build.txt

COPY pyproject.toml README.md LICENSE ./
COPY app app
RUN /opt/builder/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /opt/builder/wheels . \
    && /opt/builder/bin/pip --python /opt/assent/bin/python install --no-deps /opt/builder/wheels/*.whl


FROM python:3.11-slim-bookworm

# PostgreSQL looks its own user up: 10001 has an entry in the password file.
RUN groupadd --gid 10001 assent \
    && useradd --uid 10001 --gid 10001 --home-dir /var/lib/assent --no-create-home --shell /usr/sbin/nologin --no-log-init assent \
    && install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/assent

COPY --from=build /opt/assent /opt/assent

ENV PATH=/opt/assent/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    ASSENT_DATA_DIR=/var/lib/assent/data

USER 10001:10001
WORKDIR /var/lib/assent
VOLUME /var/lib/assent
EXPOSE 8000

# `live` answers from the process alone: a database that is away must not get a healthy container restarted.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/live', timeout=2)"]

ENTRYPOINT ["assent"]
CMD ["serve", "--host", "0.0.0.0", "--migrate"]
