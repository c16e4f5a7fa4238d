FROM alpine
ENV A="say \"hi\"" B=\$HOME C=a\\b D='it'"'"'s'
ENV E=one\
two F=three
