FROM alpine
RUN <<EOF
EOF
COPY <<A <<B /
A
B
