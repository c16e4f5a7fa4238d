FROM alpine
RUN a \
  <<EOF \
  | b
body \
EOF
USER me
