FROM alpine
RUN <<EOF
never
ENDS
