ARG VERSION=3.20
ARG BASE=alpine:${VERSION}
FROM --platform=$BUILDPLATFORM ${BASE} AS Build-1.x_y
FROM build-1.x_y as second
FROM alpine@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
FROM second
