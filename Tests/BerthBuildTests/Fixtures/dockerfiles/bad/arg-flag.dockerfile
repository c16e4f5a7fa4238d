FROM alpine
ARG --x=y A
