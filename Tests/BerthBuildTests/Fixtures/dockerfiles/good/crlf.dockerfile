# escape=\
FROM alpine
RUN echo a \
  b

COPY <<EOF /f
line
EOF
