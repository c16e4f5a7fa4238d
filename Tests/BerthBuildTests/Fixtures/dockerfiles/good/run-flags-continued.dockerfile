FROM alpine
RUN --mount=type=bind,target=/src \
    --mount=type=tmpfs,target=/tmp,size=1m \
    --mount=type=ssh \
    make -C /src
