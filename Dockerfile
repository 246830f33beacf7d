# Both layers, on any machine with Docker (buildah and podman too): no Linux, Node.js or make is needed.
#
#   docker build --output bin .        bin/aws-lambda-loki-extension-<arch>.zip, and the same unpacked in bin/<arch>/
#
# The same bytes as `make zip` makes: the build runs on x86_64 whatever the machine is, and arm64 under an emulator in it.
#
# For functions that are container images, an image to copy the extension from (after the command above, or after `make zip`):
#
#   docker build --target carrier --build-arg ARCH=x86_64 --tag aws-lambda-loki-extension .
#
# and in the function's own Dockerfile:
#
#   COPY --from=aws-lambda-loki-extension /opt/ /opt/
#
# Its base image needs glibc 2.28 and libstdc++ 6.0.25 or newer, as AWS's images on Amazon Linux 2023 have them (and Debian
# from 10, Ubuntu from 20.04). On Amazon Linux 2 or Alpine it steps aside, and the function runs without it: docs/base-systems.md.

# Any Debian with npm and Node.js from 20 on: the Node.js that is shipped comes from the npm registry, as package-lock.json pins it.
ARG NODE_IMAGE=docker.io/library/node:24-bookworm-slim
FROM --platform=linux/amd64 ${NODE_IMAGE} AS build
RUN apt-get update \
  && apt-get install --yes --no-install-recommends make qemu-user-static \
    libc6-arm64-cross libstdc++6-arm64-cross libgcc-s1-arm64-cross \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY package.json package-lock.json Makefile ./
RUN make setup
COPY LICENSE esbuild.config.mjs esbuild.config.d.mts tsconfig.json ./
COPY scripts scripts
COPY src src
COPY test/fakes test/fakes
COPY test/fixtures test/fixtures
RUN make zip

FROM scratch AS carrier
ARG ARCH=x86_64
COPY bin/${ARCH}/ /opt/

# The last stage is what is built when none is named.
FROM scratch
COPY --from=build /source/bin/ /
