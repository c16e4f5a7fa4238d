FROM alpine
RUN --mount=type=cache,target=/root/.cache,id=go --mount=from=x,target=/y --network=none go build
RUN --security=insecure --device=vendor.com/gpu=all,required true
RUN --mount="type=secret,id=a b" cat
RUN --network=host -- --not-a-flag
