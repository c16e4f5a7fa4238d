FROM alpine
ADD https://example.com/x.tar.gz /x
ADD --checksum=sha256:0000000000000000000000000000000000000000000000000000000000000000 --unpack=true https://e.com/a.tgz /
ADD --keep-git-dir=true --link --exclude=a https://github.com/a/b.git#v1:sub /src
ADD --unpack=false a.tar /
