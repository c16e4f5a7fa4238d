#!/usr/bin/env berth
# syntax=docker/dockerfile:1
FROM alpine
