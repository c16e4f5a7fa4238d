from alpine as build
run make
From scratch
copy --from=build /a /b
