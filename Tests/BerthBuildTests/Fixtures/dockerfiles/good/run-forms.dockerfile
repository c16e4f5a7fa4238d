FROM alpine
RUN echo $HOME "quoted"  spaces
RUN ["/bin/sh", "-c", "echo \u00e4 \"x\""]
RUN [ "a" , "b" ]
RUN ['single', 'quotes']
RUN ["not closed"
RUN ["a"] && more
RUN [ -f x ] && y
