FROM alpine
RUN one && \

  two && \
   	

  three
USER me
