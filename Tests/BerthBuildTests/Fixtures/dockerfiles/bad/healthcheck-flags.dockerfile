FROM alpine
HEALTHCHECK --interval=5 CMD x
HEALTHCHECK --interval=1us CMD x
HEALTHCHECK --timeout=-1s CMD x
HEALTHCHECK --retries=-1 CMD x
HEALTHCHECK --retries=many CMD x
HEALTHCHECK --retires=1 CMD x
HEALTHCHECK --interval CMD x
HEALTHCHECK --start-period=1h2 CMD x
HEALTHCHECK --retries=99999999999 CMD x
