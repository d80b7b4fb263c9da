# Sourced by the parts of bench/from-afar.sh after bench/peer.sh: servers on this machine that answer as ones far away would.
# usage: . bench/from-afar/way.sh; then: certificates, front, half, far, gone, near

. bench/lines.sh
started=()
trap 'kill "${started[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
go build -o "$work/delay" "$shared/bench/go/delay/main.go"

# open PORT PID: waits until the process listens on the port.
open() {
    until (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; do
        kill -0 "$2"
        sleep 0.1
    done
}

# half ROUND-TRIP: the half of a time in milliseconds, as 50ms: ONE-WAY for `far`.
half() { awk -v text="$1" 'BEGIN { sub(/ms$/, "", text); printf "%dus\n", text * 500 }'; }

# far PORT TARGET ONE-WAY: what comes to the port reaches TARGET, HOST:PORT, and comes back, each ONE-WAY later; the number of
# connections so far is in $work/connections.PORT.
far() {
    "$work/delay" "127.0.0.1:$1" "$2" "$3" "$work/connections.$1" 2>>"$work/delay.txt" &
    started+=($!)
    open "$1" $!
}

# gone PATH...: puts away what the next measurement must not find. It is deleted at the end: for half a minute ext4 looks through what was
# deleted for each file that it makes, which takes more time than all else here.
gone() {
    local path
    for path; do
        [ ! -e "$path" ] || mv "$path" "$(mktemp -d "$work/gone.XXXXXX")"
    done
}

# near PORT: ends the `far` that was started last.
near() {
    kill "${started[-1]}"
    wait "${started[-1]}" 2>/dev/null || true
    unset 'started[-1]'
}

# connections PORT: how many there were.
connections() { cat "$work/connections.$1"; }

# certificates: makes an authority and a certificate of it for localhost; both Go and we trust it.
certificates() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=bench \
        -keyout "$work/ca.key" -out "$work/ca.pem" 2>/dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost \
        -keyout "$work/tls.key" -out "$work/tls.csr" 2>/dev/null
    openssl x509 -req -in "$work/tls.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days 2 \
        -extfile <(echo subjectAltName=DNS:localhost) -out "$work/tls.pem" 2>/dev/null
    export SSL_CERT_FILE=$work/ca.pem
}

# front PORT TARGET: nginx speaks HTTP/2 over TLS on the port, with 100 streams a connection, and HTTP/1.1 to TARGET.
front() {
    local own=$work/nginx.$1
    mkdir -p "$own"
    cat >"$own/conf" <<CONF
daemon off;
worker_processes 1;
pid $own/pid;
error_log $own/error.log;
events { worker_connections 8192; }
worker_rlimit_nofile 20000;
http {
    access_log off;
    keepalive_requests 1000000;
    http2_max_concurrent_streams 100;
    client_body_temp_path $own/body;
    proxy_temp_path $own/proxy;
    fastcgi_temp_path $own/fastcgi;
    uwsgi_temp_path $own/uwsgi;
    scgi_temp_path $own/scgi;
    upstream target { server $2; keepalive 64; }
    server {
        listen 127.0.0.1:$1 ssl http2 backlog=4096;
        ssl_protocols TLSv1.3;
        ssl_certificate $work/tls.pem;
        ssl_certificate_key $work/tls.key;
        location / {
            proxy_pass http://target;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }
    }
}
CONF
    nginx -p "$own" -e "$own/error.log" -c "$own/conf" &
    started+=($!)
    open "$1" $!
}
