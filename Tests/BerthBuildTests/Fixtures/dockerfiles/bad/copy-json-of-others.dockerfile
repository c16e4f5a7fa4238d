FROM alpine
COPY ["a", 1]
ADD [{"a": "b"}, "c"]
