FROM alpine
COPY <<'EOF' /a
$keep
EOF
COPY <<"E F" /b
x
E F
COPY <<E"O"F /c
y
EOF
