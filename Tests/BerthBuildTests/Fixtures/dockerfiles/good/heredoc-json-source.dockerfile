FROM alpine
COPY ["<<EOF", "/x"]
USER me
