FROM alpine
ENV ÜBER=ä 名="日本 語"
RUN echo ❤ "́"
LABEL emoji=😀
