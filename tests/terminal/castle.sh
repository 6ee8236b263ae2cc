#!/usr/bin/env bash
# Types the castle study into a real terminal (tmux) and prints what the terminal shows: tests/terminal/castle.sh DURBIN
# It completes names, makes three mistakes, interrupts a placebo, takes an input back, changes standard errors, saves,
# and runs what was saved.
set -euo pipefail
durbin=$(realpath "$1")
here=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
session="durbin-castle-$$"
trap 'tmux kill-session -t "$session" 2>/dev/null || true; rm -rf "$folder"' EXIT
cp "$here"/examples/castle/*.csv "$folder"
export XDG_STATE_HOME="$folder/.state" NO_COLOR=1
tmux new-session -d -s "$session" -x 110 -y 3000 "cd $folder && exec $durbin"

# Waits until the prompt stands alone on the last line.
prompt() {
  for _ in $(seq 300); do
    last=$(tmux capture-pane -p -t "$session" | sed -e 's/[[:space:]]*$//' | awk 'NF { l = $0 } END { print l }')
    [ "$last" = "durbin>" ] && return
    sleep 0.1
  done
  echo "no prompt came back:"; tmux capture-pane -p -t "$session" | tail -20; exit 1
}
type_() { tmux send-keys -t "$session" -l "$1"; }
key() { tmux send-keys -t "$session" "$@"; sleep 0.15; }
line() { prompt; type_ "$1"; key Enter; }

prompt
type_ 'panel states from "pan'; key Tab; type_ '" {'; key Enter
type_ '  unit st'; key Tab; key Enter
type_ '  time ye'; key Tab; key Enter
type_ '  join "states.csv" by state'; key Enter
type_ '  coords lon, lat'; key Enter
type_ '  let lhom = log(homi'; key Tab; type_ ')'; key Enter
type_ '}'; key Enter
line 'weights C = row(edges("contiguity.csv"))'
line 'treatment law = starts(law_year)'
# three mistakes
line 'model base = sdm_did(lhom ~ law + povrty | C)'
line 'model base = sdm_did(lhom ~ law + poverty)'
line 'model base = sdm_did(lhom ~ law + poverty | C, se: clustered)'
prompt; type_ 'model base = sdm_did(lhom ~ law + unempl'; key Tab; type_ ' + pov'; key Tab; type_ ' + l_po'; key Tab; type_ ' | C)'; key Enter
line 'base'
line 'let dropped = 3'
line ':undo'
line 'model robust = sdm_did(lhom ~ law + unemployrt + poverty + l_police | C, se: qml)'
line ':time robust'
# something long, and Ctrl-C
prompt; type_ 'placebo(base, reps: 1_000_000)'; key Enter
sleep 2
began=$(date +%s%N); tmux send-keys -t "$session" C-c; prompt; ended=$(date +%s%N)
line ':names'
line 'effects(base)'
line ':save study.durbin'
prompt
tmux capture-pane -p -t "$session" | sed -e 's/[[:space:]]*$//' | awk 'NF { blank = 0 } !NF { blank++ } blank < 2' | sed -e '$ { /^$/ d }' | tee "$folder/shown.txt"
type_ ':quit'; key Enter
typed=$(tmux has-session -t "$session" 2>/dev/null && echo open || echo closed)
[ "$typed" = closed ] || sleep 0.5
# What was saved runs to the same numbers: every line that was shown of the fit and of its effects.
"$durbin" run --quiet "$folder/study.durbin" > "$folder/run.txt"
for query in 'base' 'effects(base)'; do
  awk -v query="durbin> $query" '$0 == query { on = 1; next } /^durbin>/ { on = 0 } on && NF' "$folder/shown.txt" > "$folder/answer.txt"
  [ "$(wc -l < "$folder/answer.txt")" -gt 20 ] || { echo "no answer to $query" >&2; exit 1; }
  if grep -Fxv -f "$folder/run.txt" "$folder/answer.txt" >&2; then echo "the saved program gives other numbers" >&2; exit 1; fi
done
ms=$(( (ended - began) / 1000000 ))
echo "back at the prompt after $ms ms" >&2
[ "$ms" -lt 700 ] || exit 1
