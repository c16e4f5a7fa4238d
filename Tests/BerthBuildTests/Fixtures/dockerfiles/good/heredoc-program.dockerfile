FROM alpine
RUN <<PY python3 -
print("x")
PY
RUN <<EOF
#!/usr/bin/env perl
print 1;
EOF
