# check=experimental=all; skip = UndefinedVar
FROM alpine
