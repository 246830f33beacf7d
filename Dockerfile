# A carrier for functions that are container images: the extension and its licences, to be copied from. `make zip` first;
# nothing is downloaded here.
#
#   docker build --build-arg ARCH=x86_64 --tag aws-lambda-loki-extension .      (or buildah build, or podman build)
#
# and in the function's own Dockerfile:
#
#   COPY --from=aws-lambda-loki-extension /opt/ /opt/
#
# Its base image needs glibc 2.28 and libstdc++ 6.0.25 or newer, as AWS's images on Amazon Linux 2023 have them (and Debian
# from 10, Ubuntu from 20.04). On Amazon Linux 2 or Alpine it steps aside, and the function runs without it: docs/base-systems.md.
FROM scratch
ARG ARCH=x86_64
COPY bin/${ARCH}/ /opt/
