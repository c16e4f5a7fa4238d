FROM alpine
RUN --mount=type=cache,target=/a\ b true
COPY --from='x y' a b
COPY --chown="a:b" a b
