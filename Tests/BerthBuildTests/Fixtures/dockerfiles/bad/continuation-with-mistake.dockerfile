FROM alpine
RUN --network=odd \
  a \

  b
