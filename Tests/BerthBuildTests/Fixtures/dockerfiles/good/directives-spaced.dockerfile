#syntax = docker/dockerfile:1-labs
#   ESCAPE   =   `   
# Check = skip=all
FROM alpine
