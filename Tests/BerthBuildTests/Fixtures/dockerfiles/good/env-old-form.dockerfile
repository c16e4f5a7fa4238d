FROM alpine
ENV PATH /usr/bin:$PATH
ENV   SPACED   a  b   "c"  
ENV TABBED	value with = sign
ENV LAST c:\
