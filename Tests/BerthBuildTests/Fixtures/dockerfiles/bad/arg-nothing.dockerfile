FROM alpine
ARG
ARG =x
