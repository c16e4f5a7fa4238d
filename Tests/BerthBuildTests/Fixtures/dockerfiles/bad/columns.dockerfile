FROM alpine
   RNU x
	COPY a
