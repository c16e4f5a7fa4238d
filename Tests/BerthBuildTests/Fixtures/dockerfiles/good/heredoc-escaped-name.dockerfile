FROM alpine
COPY <<E\OF /x
$a
EOF
COPY <<\"EOF\" /y
$b
"EOF"
