# Sourced by the scripts that put a server under wrk: which paths are asked for, and what that costs the server.
# usage: . bench/load.sh; then: percpu, cpu; or: wrk -s "$work/paths.lua" URL -- FILE-OF-PATHS

cat >"$work/paths.lua" <<'LUA'
local paths, at = {}, 0
function init(args)
    for path in io.lines(args[1]) do paths[#paths + 1] = wrk.format("GET", "/" .. path) end
    math.randomseed(1)
    at = math.random(#paths)
end
function request()
    at = at % #paths + 1
    return paths[at]
end
LUA

# cpu PID: its seconds of user and system time so far.
cpu() { awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) / hz }' "/proc/$1/stat"; }

# percpu NAME PID URL PATHS CONNECTIONS [wrk's options]: asks for the paths in a file for $seconds; appends requests per CPU-second of the
# process to $work/NAME.percpu, and leaves what wrk says in $work/wrk.txt; sets used, the CPU seconds.
percpu() {
    local before
    before=$(cpu "$2")
    taskset -c 1 wrk -t1 -c"$5" -d"${seconds}s" "${@:6}" -s "$work/paths.lua" "$3" -- "$4" >"$work/wrk.txt"
    used=$(awk -v a="$before" -v b="$(cpu "$2")" 'BEGIN { print b - a }')
    ! grep -q 'Non-2xx' "$work/wrk.txt" || { cat "$work/wrk.txt" >&2; exit 1; }
    awk -v used="$used" '/requests in/ { print $1 / used }' "$work/wrk.txt" >>"$work/$1.percpu"
}
