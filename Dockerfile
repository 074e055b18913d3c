# Axial with its weights, offline.
#   docker build -t axial .                                   for CPUs
#   docker build -t axial:cuda --build-arg DEVICE=cuda .      for NVIDIA GPUs
#   docker run --rm --network none --user "$(id -u):$(id -g)" -v "$PWD:/data" axial segment spinal_cord scan.nii.gz -o results
ARG PYTHON=3.11

FROM python:${PYTHON}-slim-bookworm AS build
ARG DEVICE=cpu
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
RUN python -m venv /opt/axial
WORKDIR /source
COPY requirements.txt ./
# PyPI's torch brings CUDA; that of PyTorch's own index for CPUs is a tenth as large.
RUN torch="$(grep '^torch==' requirements.txt)" \
    && case "$DEVICE" in \
         cpu) /opt/axial/bin/pip install --index-url https://download.pytorch.org/whl/cpu "$torch" ;; \
         cuda) /opt/axial/bin/pip install "$torch" ;; \
         *) echo "DEVICE is cpu or cuda, not $DEVICE" >&2; exit 2 ;; \
       esac \
    && /opt/axial/bin/pip install -r requirements.txt
COPY pyproject.toml setup.py MANIFEST.in README.md LICENSE ./
COPY tools tools
COPY custom_networks custom_networks
COPY bundles bundles
RUN /opt/axial/bin/pip install --no-deps .

FROM python:${PYTHON}-slim-bookworm
LABEL org.opencontainers.image.title="Axial" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.description="MONAI bundles for the axial skeleton and what it protects; research only"
COPY --from=build /opt/axial /opt/axial
# matplotlib and MONAI keep caches in a home; any user may have one there, whatever --user says.
ENV PATH=/opt/axial/bin:$PATH HOME=/tmp MPLCONFIGDIR=/tmp/matplotlib PYTHONUNBUFFERED=1
RUN useradd --create-home --uid 1000 axial && mkdir /data && chown axial:axial /data
USER 1000
WORKDIR /data
ENTRYPOINT ["axial"]
CMD ["--help"]
