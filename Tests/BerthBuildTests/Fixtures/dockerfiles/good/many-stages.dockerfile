FROM a AS one
FROM b AS two
FROM one
FROM two AS three
COPY --from=one /x /y
COPY --from=2 /x /y
