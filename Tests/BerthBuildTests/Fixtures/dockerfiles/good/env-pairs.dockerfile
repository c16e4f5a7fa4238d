FROM alpine
ENV A=1 B="two words" C='single' D=a\ b E= F="" G=a=b H=$A "I"=x
