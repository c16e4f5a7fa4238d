# first
FROM alpine
# second
RUN a && \
# inside
   # inside, further in
  b # not a comment
#last