# docker build -t robustness . && docker run --rm -v "$PWD/work:/work" robustness --cores all fig2
# On a cluster: apptainer build robustness.sif docker-daemon://robustness:latest
FROM python:3.13-slim
RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*
COPY . /pipeline
RUN make -C /pipeline .venv/installed PYTHON=python3.13
ENV PATH=/pipeline/.venv/bin:$PATH
WORKDIR /work
ENTRYPOINT ["snakemake", "--snakefile", "/pipeline/Snakefile"]
