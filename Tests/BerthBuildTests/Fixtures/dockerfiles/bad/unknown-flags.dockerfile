FROM alpine
ENV --a=b C=1
LABEL --x a=b
CMD --doit ["a"]
ENTRYPOINT --x a
USER --x me
WORKDIR --x /a
EXPOSE --x 1
VOLUME --x /a
STOPSIGNAL --x 9
MAINTAINER --x me
