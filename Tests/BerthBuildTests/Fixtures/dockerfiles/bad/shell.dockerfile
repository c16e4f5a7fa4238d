FROM alpine
SHELL bash -c
SHELL []
SHELL ["a", 1]
SHELL --x ["a"]
