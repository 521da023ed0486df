# One image for every role: worker, trainer, beat, producer, Flower, metrics. `docker compose build`
# makes it for CPUs; DEVICE=gpu makes the one for NVIDIA GPUs, which brings CUDA itself.
#
#   docker build --tag kaolabel:cpu .
#   docker build --tag kaolabel:gpu --build-arg DEVICE=gpu .

ARG PYTHON=3.12
FROM python:${PYTHON}-slim-bookworm AS build

ARG DEVICE=cpu
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# Without pip, which nothing needs any more once all is installed. TensorFlow's headers are a quarter of
# its size, and only for those who compile against it.
COPY locks/${DEVICE}.txt locks/
RUN python -m venv --without-pip /opt/kaolabel \
    && python -m pip --python /opt/kaolabel/bin/python install --require-hashes \
        --requirement "locks/${DEVICE}.txt" \
    && rm -rf /opt/kaolabel/lib/python*/site-packages/tensorflow/include
# What builds the package is locked, too.
COPY locks/dev.txt locks/
RUN awk '/^[a-z]/ { wanted = /^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/ } wanted' \
        locks/dev.txt >locks/build.txt \
    && python -m pip install --require-hashes --requirement locks/build.txt
COPY pyproject.toml README.md LICENSE kaolabel.py ./
COPY db db
COPY worker worker
COPY producer producer
COPY training training
COPY review review
COPY monitor monitor
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir wheels . \
    && python -m pip --python /opt/kaolabel/bin/python install --no-deps wheels/*.whl


FROM python:${PYTHON}-slim-bookworm

# The user that reads the archives and owns the state.
ARG UID=1000
RUN useradd --uid "${UID}" --home-dir /var/lib/kaolabel --shell /usr/sbin/nologin kaolabel \
    && install -d -m 0700 -o kaolabel -g kaolabel /var/lib/kaolabel
COPY --from=build /opt/kaolabel /opt/kaolabel
COPY deploy/health.py /opt/kaolabel/health.py
ENV PATH=/opt/kaolabel/bin:${PATH} \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    KAOLABEL_HOME=/var/lib/kaolabel
# By its number, as Kubernetes cannot tell of a name that it is not root's.
USER ${UID}
WORKDIR /var/lib/kaolabel
ENTRYPOINT ["kaolabel"]
CMD ["--help"]
