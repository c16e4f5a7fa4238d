ARG A
RUN x
ENV B=1
FROM alpine
