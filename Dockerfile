# One image for every role: worker, producer, training, Flower.
FROM python:3.12-slim

ARG DEVICE=cpu
WORKDIR /opt/kaolabel
COPY locks/${DEVICE}.txt locks/
RUN pip install --no-cache-dir --require-hashes -r locks/${DEVICE}.txt
COPY pyproject.toml README.md LICENSE kaolabel.py ./
COPY db db
COPY worker worker
COPY producer producer
COPY training training
COPY review review
RUN pip install --no-cache-dir --no-deps . \
    && useradd --create-home --uid 1000 kaolabel \
    && install -d -o kaolabel /var/lib/kaolabel
USER kaolabel
ENV KAOLABEL_HOME=/var/lib/kaolabel
ENTRYPOINT ["kaolabel"]
