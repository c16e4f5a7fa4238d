FROM alpine
COPY <<A <<B /
1
A
2
