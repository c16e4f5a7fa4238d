FROM alpine
COPY
COPY a
COPY ["a"]
ADD a
ADD []
COPY --from=x a
