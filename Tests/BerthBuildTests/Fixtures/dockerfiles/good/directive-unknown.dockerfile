# owner=me
# escape=`
FROM alpine
RUN a \
  b
