#!/bin/sh
exec ./bin/goproxy -listen=0.0.0.0:80 -cacheDir=/tmp/test -proxy https://goproxy.io,https://proxy.golang.org \
    -exclude "git.corp.example,other.corp.example" -cacheExpire 10m
