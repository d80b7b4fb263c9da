# Sourced by the scripts that put a server under wrk: which paths are asked for, and what that costs the server.
# usage: . bench/load.sh; then: wrk -s "$work/paths.lua" URL -- FILE-OF-PATHS; cpu

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
