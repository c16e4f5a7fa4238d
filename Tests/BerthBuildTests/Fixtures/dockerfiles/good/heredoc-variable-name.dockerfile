FROM alpine
RUN <<$EOF
a
$EOF
RUN <<${EOF}
b
${EOF}
