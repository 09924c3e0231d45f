# What scenarios are written in: a daemon, commits, and sentences that hold or do not.
#
# Never waits without an end: every sentence has ten seconds to become true.

# busybox prefers its own programs of these names, which know less.
ip() { /bin/ip "$@"; }
tc() { /bin/tc "$@"; }

socket=/run/towpathd.sock
state=/root/state
config=/root/config.boot

# Starts the daemon and waits until it answers.
daemon() {
    towpathd --config $config --state-dir $state --socket $socket >>/root/log 2>&1 &
    pid=$!
    within 20 say "show version"
}

# Ends it: with a signal of its own, or TERM.
stop() {
    kill "-${1:-TERM}" "$pid"
    wait "$pid" 2>/dev/null
}

say() { towpath --socket $socket -c "$1" >/tmp/said 2>&1; }

# A commit of the lines given, each an argument; what the shell said is in /tmp/said.
commit() {
    {
        echo configure
        for line in "$@"; do echo "$line"; done
        printf 'commit\nexit discard\nexit\n'
    } | towpath --socket $socket >/tmp/said 2>&1
}

# A commit that has to be refused, with these words in what the shell said.
refused() {
    words=$1
    shift
    ! commit "$@" && grep -q "$words" /tmp/said
}

# Whether a command succeeds within so many seconds.
within() {
    rounds=$(($1 * 5))
    shift
    while ! "$@"; do
        rounds=$((rounds - 1))
        [ $rounds -gt 0 ] || return 1
        sleep 0.2
    done
}

# A sentence and the command that shows that it is true.
so() {
    sentence=$1 seconds=10
    shift
    # A commit is not tried again: it is done or it is not.
    case $1 in commit | refused) seconds=0 ;; esac
    if within $seconds "$@"; then
        echo "@@ ok $sentence ($(cut -d" " -f1 /proc/uptime))"
    else
        echo "@@ failed $sentence"
        { echo "$*"; cat /tmp/said; ip -d link; ip addr; ip route; tail -n 20 /root/log; } 2>&1 | sed 's/^/@| /'
    fi
}

# Whether what `ip` says of the first argument matches all others.
ip_says() {
    # shellcheck disable=SC2086
    ip $1 >/tmp/ip 2>/dev/null || return 1
    shift
    for pattern in "$@"; do grep -Eq -- "$pattern" /tmp/ip || return 1; done
}

absent() { for name in "$@"; do ! ip link show "$name" >/dev/null 2>&1 || return 1; done; }

kernel_setting() { [ "$(cat "/proc/sys/net/$1" 2>/dev/null)" = "$2" ]; }
