FROM alpine
RUN --mount=type=cache,taget=/x true
RUN --mount=from=$A,target=/x true
RUN --mount=type=secret true
RUN --mount=type=tmpfs,size=x,target=/t true
RUN --mount=required true
RUN --mount=type=cache,target=/x,sharing=mine true
