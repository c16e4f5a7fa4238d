  	
   # a comment
   FROM alpine
	RUN echo hi
