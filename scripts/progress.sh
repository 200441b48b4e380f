#!/bin/sh
# progress.sh NAME LOG COMMAND [ARGUMENT...]: runs a command with its output in LOG, and reports how long it has been running and
# what it wrote last: on a terminal in one line, elsewhere after 2 seconds and every 15. A failure prints the end of LOG.
set -u
name=$1 log=$2
shift 2
start=$(date +%s)
every=15 before='' after='\n'
if [ -t 1 ]; then every=1 before='\r\033[K' after=''; fi

elapsed() {
  seconds=$(($(date +%s) - start))
  printf '%d:%02d' $((seconds / 60)) $((seconds % 60))
}

# Without the timestamp, level and source file that the Collector's builder puts first, and without pip's long list of packages.
last_line() {
  tail -n 1 "$log" | tr '\t\r' '  ' |
    sed 's/^[0-9TZ:.-]*Z *INFO *[^ ]* *//; s/^ *//; s/^\(Installing collected packages\):.*/\1/; s/^\(.\{59\}\)...*/\1…/'
}

# It also ends if this script was killed. Short sleeps: one that outlives the loop would hold the caller's pipe open.
report() {
  ticks=0 told=''
  while sleep 1 && kill -0 $$ 2>/dev/null; do
    ticks=$((ticks + 1))
    [ "$ticks" -eq 2 ] || [ $((ticks % every)) -eq 0 ] || continue
    line=$(last_line)
    line=${line:-starting}
    if [ "$every" -gt 1 ] && [ "$line" = "$told" ]; then line='still the same'; else told=$line; fi
    printf "$before%s: %s  %s$after" "$name" "$(elapsed)" "$line"
  done
}

: >"$log"
report &
reporter=$!
trap 'kill "$reporter" 2>/dev/null' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# In the foreground, so that Ctrl-C reaches it.
status=0
"$@" >>"$log" 2>&1 </dev/null || status=$?

kill "$reporter" 2>/dev/null
if [ "$status" -eq 0 ]; then
  printf "$before%s: done in %s\n" "$name" "$(elapsed)"
else
  printf "$before%s: failed after %s; the end of %s:\n" "$name" "$(elapsed)" "$log" >&2
  tail -n 30 "$log" >&2
fi
exit "$status"
