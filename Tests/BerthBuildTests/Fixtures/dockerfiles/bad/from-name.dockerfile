FROM alpine AS 1st
FROM alpine AS a/b
FROM alpine AS $NAME
FROM alpine AS -x
FROM alpine AS ä
