FROM alpine
RUN 3<<IN cat <&3 <<-OUT
a
IN
	b
	OUT
