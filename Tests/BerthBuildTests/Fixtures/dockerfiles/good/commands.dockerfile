FROM alpine
CMD ["a", "b"]
CMD a b
CMD []
ENTRYPOINT ["/x"]
ENTRYPOINT exec /x $A
ENTRYPOINT []
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
CMD [ ]
