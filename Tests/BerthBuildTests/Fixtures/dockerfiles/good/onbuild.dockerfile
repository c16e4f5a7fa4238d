FROM alpine
ONBUILD RUN make
ONBUILD COPY --from=x a /b
ONBUILD ENV A=1
onbuild run <<EOF
body
EOF
ONBUILD  CMD ["x"]
ONBUILD RUN a \
  b
