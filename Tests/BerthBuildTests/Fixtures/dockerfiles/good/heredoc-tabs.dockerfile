FROM alpine
RUN <<-EOF
		one
	 two
three
	EOF
USER me
