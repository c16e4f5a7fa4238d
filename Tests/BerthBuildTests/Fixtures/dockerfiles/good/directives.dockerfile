# syntax=docker/dockerfile:1.7
# escape=`
# check=skip=JSONArgsRecommended,StageNameCasing;error=true
FROM alpine
RUN dir c:\ `
  /s
