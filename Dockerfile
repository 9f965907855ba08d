# docker build -t pix2pix-cyclegan .
# docker run -it --rm --gpus all --shm-size 8g -p 8097:8097 -v "$PWD/data:/data" pix2pix-cyclegan
#
# PyTorch's wheels bring their own CUDA libraries: with the NVIDIA container toolkit the plain base runs on a GPU too.
#   --build-arg BASE=nvidia/cuda:12.6.3-runtime-ubuntu24.04     another base, of Debian's or Ubuntu's kind
#   --build-arg PIP_ARGS="--index-url URL"                      such as PyTorch's index of wheels for CPUs
ARG BASE=python:3.12-slim
FROM ${BASE}
ARG PIP_ARGS=""

RUN if ! command -v python3 >/dev/null; then \
      apt-get update && apt-get install -y --no-install-recommends python3 python3-venv && rm -rf /var/lib/apt/lists/*; \
    fi
RUN python3 -m venv /venv
ENV PATH=/venv/bin:$PATH PIP_NO_CACHE_DIR=1

WORKDIR /workspace
COPY requirements.txt build-constraints.txt ./
RUN PIP_CONSTRAINT=build-constraints.txt PIP_BUILD_CONSTRAINT=build-constraints.txt pip install ${PIP_ARGS} -r requirements.txt
COPY . .

EXPOSE 8097
CMD ["bash"]
