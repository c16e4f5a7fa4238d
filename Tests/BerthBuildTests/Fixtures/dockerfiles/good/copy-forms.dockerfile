FROM alpine
COPY a /b
COPY a b c/ /d/
COPY ["with space", "/b"]
COPY "a b" /c
COPY *.go ./
COPY --from=0 /x /y
COPY --from=build --chown=me:us --chmod=u=rwX,go=rX --link --parents --exclude=*.md --exclude=docs ./a/./b /c
COPY --link=false --parents=TRUE a /b
