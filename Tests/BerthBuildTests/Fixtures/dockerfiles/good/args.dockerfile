ARG A B=1 C= D="two words" E='$x'
FROM alpine
ARG A
ARG B=${A:-none} F=a\ b
