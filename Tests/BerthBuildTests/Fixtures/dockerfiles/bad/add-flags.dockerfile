FROM alpine
ADD --from=x a b
ADD --parents a b
ADD --chekcsum=a b c
ADD --exclude a b
