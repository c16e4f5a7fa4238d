# a comment ends them
# escape=`
FROM alpine
RUN a \
  b
