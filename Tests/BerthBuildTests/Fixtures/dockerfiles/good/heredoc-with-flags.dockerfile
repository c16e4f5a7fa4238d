FROM alpine
COPY --chmod=0644 --chown=1:2 <<EOF /etc/x.conf
key=$VALUE
EOF
ADD --link <<EOF /y
EOF
