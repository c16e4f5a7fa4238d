FROM alpine
RUN cat << EOF
a
EOF
USER me
