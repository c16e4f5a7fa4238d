FROM alpine
RUN echo c:\\
RUN echo \\\
USER me
