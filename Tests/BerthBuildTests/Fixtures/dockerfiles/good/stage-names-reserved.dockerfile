FROM alpine AS context
FROM alpine AS scratch
