FROM alpine
COPY --form=x a b
COPY --chmod a b
COPY --link=maybe a b
COPY --link= a b
COPY --from=a --from=b c d
COPY --checksum=x a b
COPY --unpack a b
COPY --keep-git-dir a b
