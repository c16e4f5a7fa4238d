FR\
OM alpine
R\
UN true
