# escape=`
FROM alpine
COPY a c:\dir\
RUN a `
  b
ENV A=x` y B="`"q`""
