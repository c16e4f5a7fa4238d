FROM alpine
VOLUME [""]
VOLUME []
VOLUME ["/a", "  "]
