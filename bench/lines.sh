# Sourced by the scripts that make a checksum database of a module cache.
# usage: . bench/lines.sh; then: log_lines

# log_lines CACHE: the go.sum lines of all module files of a module cache.
log_lines() {
    (cd "$1" && find . -name '*.mod' -path '*/@v/*' | sort) | while read -r path; do
        module=${path#./} version=${path##*/@v/}
        module=$(sed 's/!\(.\)/\U\1/g' <<<"${module%%/@v/*}") version=$(sed 's/!\(.\)/\U\1/g' <<<"${version%.mod}")
        zip=${path%.mod}.ziphash
        if [ -f "$1/$zip" ]; then echo "$module $version $(cat "$1/$zip")"; fi
        digest=$(sha256sum <"$1/$path" | cut -c 1-64)
        echo "$module $version/go.mod h1:$(printf '%s  go.mod\n' "$digest" | openssl dgst -sha256 -binary | base64)"
    done
}
