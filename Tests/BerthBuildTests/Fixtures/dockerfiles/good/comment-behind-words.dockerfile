FROM alpine
RUN echo "#" # text
ENV A=1 B=#2
LABEL a="# b"
