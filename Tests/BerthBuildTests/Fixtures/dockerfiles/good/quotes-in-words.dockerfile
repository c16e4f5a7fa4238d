FROM alpine
ARG A="x y" B=z\"w
ENV K="a=b" L='c d'e"f g"
