# check=ignore=all
FROM alpine
