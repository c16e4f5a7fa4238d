FROM --platfrom=linux/amd64 alpine
FROM --platform alpine
FROM --platform=a --platform=b alpine
FROM --mount=x alpine
