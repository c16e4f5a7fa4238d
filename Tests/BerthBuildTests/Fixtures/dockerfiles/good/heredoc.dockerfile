FROM alpine
RUN <<EOF
set -e
	echo "$HOME"
# kept

EOF
USER me
