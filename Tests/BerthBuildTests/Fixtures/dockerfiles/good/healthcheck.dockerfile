FROM alpine
HEALTHCHECK NONE
HEALTHCHECK --interval=30s --timeout=1m30s --start-period=1.5h --start-interval=500ms --retries=3 CMD curl -f http://localhost/
HEALTHCHECK CMD ["a", "b"]
healthcheck --retries=0 --interval=0 cmd  true  
HEALTHCHECK --interval= --retries= CMD x
HEALTHCHECK --timeout=1ms CMD x
