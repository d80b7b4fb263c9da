# Sourced by the scripts that need servers: nginx over a dumped database, or fakelog; and for what a command costs.
# usage: . bench/static.sh; then: dump, static, modules_served, log_served, log_of, measure, evict

# dump DIR RECORDS [fakelog's options]: writes the database as files below DIR, once; sets key.
dump() {
    if [ ! -s "$1/dumped" ]; then
        mkdir -p "$1"
        "$target/examples/fakelog" --records "$2" --dump "$1" "${@:3}" >"$1/dumped.part"
        mv "$1/dumped.part" "$1/dumped"
    fi
    key=$(sed -n 's/^vkey: //p' "$1/dumped")
}

# static DIR PORT: nginx serves the files below DIR with one worker; sets url and static_pid (of the worker).
static() {
    local own=$work/nginx.$2
    mkdir -p "$own"
    cat >"$own/conf" <<CONF
daemon off;
worker_processes 1;
pid $own/pid;
error_log $own/error.log;
events { worker_connections 1024; }
http {
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    default_type application/octet-stream;
    client_body_temp_path $own/body;
    proxy_temp_path $own/proxy;
    fastcgi_temp_path $own/fastcgi;
    uwsgi_temp_path $own/uwsgi;
    scgi_temp_path $own/scgi;
    server { listen 127.0.0.1:$2; root $1; }
}
CONF
    nginx -p "$own" -e "$own/error.log" -c "$own/conf" &
    nginx_pid=$!
    url=http://127.0.0.1:$2
    until curl -fs -o "$own/latest" "$url/latest"; do
        kill -0 "$nginx_pid"
        sleep 0.1
    done
    static_pid=$(pgrep -P "$nginx_pid" | head -n 1)
}

# log_served [fakelog's options]: serves a log; sets sumdb (as GOSUMDB) and log_pid.
log_served() {
    : >"$work/log.txt" # what an earlier log said is not read
    "$target/examples/fakelog" "$@" >>"$work/log.txt" &
    log_pid=$!
    until grep -q '^built' "$work/log.txt"; do
        kill -0 "$log_pid"
        sleep 0.1
    done
    sumdb="$(sed -n 's/^vkey: //p' "$work/log.txt") $(sed -n 's/^url: //p' "$work/log.txt")"
}

# log_of GOSUM PORT [fakelog's options]: the same, of the log of a go.sum's lines.
log_of() { log_served --from-gosum "$1" --listen "127.0.0.1:$2" "${@:3}"; }

# modules_served PORT [fakemodules' options]: nginx serves a tree of modules below $dir at PORT, which is made once, and a log its go.sum
# at the next; sets tree, upstream, sumdb, and the pids.
modules_served() {
    tree=$dir/tree
    [ -s "$tree/go.sum" ] || "$target/examples/fakemodules" "$tree" "${@:2}"
    echo ready >"$tree/latest"
    static "$tree" "$1"
    upstream=$url
    log_of "$tree/go.sum" "$(($1 + 1))"
}

# static_stop: ends the nginx that `static` started.
static_stop() {
    kill "$nginx_pid"
    wait "$nginx_pid" || true
}

# measure NAME COMMAND...: runs it; appends its wall seconds, CPU seconds and peak memory in MiB to $work/NAME.{wall,cpu,mib}.
measure() {
    local name=$1
    shift
    if ! /usr/bin/time -o "$work/time.txt" -f '%e %U %S %M' "$@" >"$work/out.txt" 2>"$work/err.txt"; then
        echo "$name failed: $*" >&2
        cat "$work/out.txt" "$work/err.txt" >&2
        exit 1
    fi
    tail -n 1 "$work/time.txt" | awk '{ print $1 }' >>"$work/$name.wall"
    tail -n 1 "$work/time.txt" | awk '{ print $2 + $3 }' >>"$work/$name.cpu"
    tail -n 1 "$work/time.txt" | awk '{ printf "%d\n", $4 / 1024 }' >>"$work/$name.mib"
}

# evict DIR: throws the files in DIR out of the page cache, after what was written to them is on the disk.
evict() {
    sync
    for file in "$1"/*; do
        [ -f "$file" ] && dd if="$file" iflag=nocache count=0 status=none
    done
}

# of NAME.KIND: the median.
of() { median "$work/$1"; }
