FROM alpine
RUN echo "<<EOF"
RUN echo 'a <<EOF'
RUN cat <<<word
RUN ["cat", "<<EOF"]
CMD cat <<EOF
ENV A=<<EOF
RUN echo "open <<EOF
USER me
