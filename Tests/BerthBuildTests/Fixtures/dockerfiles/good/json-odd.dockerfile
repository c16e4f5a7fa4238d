FROM alpine
CMD   [ "a" ]  
CMD ["", "\t"]
CMD ["a",]
CMD ["a" "b"]
CMD [a, b]
CMD ["😀", "é"]
CMD "not", "an array"
CMD {"a": 1}
