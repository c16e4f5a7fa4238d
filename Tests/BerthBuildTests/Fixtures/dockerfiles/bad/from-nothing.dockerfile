FROM
FROM alpine AS
FROM alpine base
FROM alpine IS base
FROM a b c d
