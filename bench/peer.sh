# Sourced by the other scripts: our binaries, Go peers, and medians.
# The peers' sources are in $GOSUMCHECK_SHARED/bench/go (default ../shared beside the repository); they are built from a copy.

shared=${GOSUMCHECK_SHARED:-../shared}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# built EXAMPLE...: builds gosumcheck and these examples; sets target, the folder that they are in.
built() {
    cargo build --quiet --release --bin gosumcheck $(printf -- '--example %s ' "$@")
    target=$(cargo metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')/release
}

# go_peer NAME: builds the peer of that name as $work/NAME/peer.
go_peer() {
    cp -r "$shared/bench/go/$1" "$work/$1"
    chmod -R u+w "$work/$1"
    (cd "$work/$1" && go mod init bench && go get golang.org/x/mod@latest && go build -o peer .) >"$work/$1.log" 2>&1 ||
        { cat "$work/$1.log" >&2; exit 1; }
}

# rust_bench NAME: builds our half and prints its path.
rust_bench() {
    cargo bench --quiet --bench "$1" --no-run --message-format=json |
        sed -n 's/.*"executable":"\([^"]*\/'"$1"'-[^"]*\)".*/\1/p' | tail -n 1
}

# median FILE: the middle one of the numbers in it, one a line.
median() {
    sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# ratio NAME OURS THEIRS: prints one line from two files of numbers, both the more the better.
ratio() {
    awk -v name="$1" -v ours="$(median "$2")" -v theirs="$(median "$3")" \
        'BEGIN { printf "ratio %-28s %5.2f   (ours %.2f, Go %.2f)\n", name, ours / theirs, ours, theirs }'
}
