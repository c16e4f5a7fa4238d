FROM alpine
RUN ["a", 1]
RUN ["a", ["b"]]
RUN [null]
RUN []
CMD [true]
ENTRYPOINT [1.5]
ENTRYPOINT ["a", {}]
VOLUME [1]
