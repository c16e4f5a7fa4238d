# syntax=registry.example.com/mirror/docker/dockerfile:1.9 --extra
FROM alpine
