FROM alpine
COPY <<one <<two.txt extra /dir/
1
one
2
one
two.txt
USER me
