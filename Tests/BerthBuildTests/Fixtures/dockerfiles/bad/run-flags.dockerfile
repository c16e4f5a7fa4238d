FROM alpine
RUN --mount=type=bnid,target=/x true
RUN --mont=x true
RUN --network=some true
RUN --network= true
RUN --security=none true
RUN --network=none --network=host true
RUN --mount true
RUN --device true
