FROM alpine
LABEL a=b com.example.vendor="ACME Corp" "a b"="c d"
LABEL version 1.0 beta
LABEL multi="line \
  goes on"
