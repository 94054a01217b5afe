#!/usr/bin/env bash
# Nodes on several machines, as far as one machine can show them: each node in a network namespace of its own, joined by a
# bridge in another one; packets are lost, one direction fails, a node is cut off and comes back, two never reach each other, a
# node stands behind address translation. Not part of `cargo test`, which stays on loopback.
#
#     cargo build && tests/namespaces.sh [BINARY]
#
# Needs root, `ip` and `nft`; says so and ends well where it may not. Everything is made anew, lives in a temporary folder
# and in namespaces named after this process, and is taken away at the end. Each wait is bounded.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() {
  echo "skipped: $1"
  exit 0
}
[ "$(id -u)" = 0 ] || skip "network namespaces need root"
command -v ip >/dev/null || skip "there is no ip(8) here"
command -v nft >/dev/null || skip "there is no nft(8) here"
lasp=$(realpath "${1:-target/debug/lasp}")
[ -x "$lasp" ] || skip "there is no $lasp: cargo build"

folder=$(mktemp -d)
tag="lasp$$"
spaces=()
export LASP_CONFIG_DIR="$folder/config"

clean() {
  for space in "${spaces[@]}"; do
    ip netns pids "$space" 2>/dev/null | xargs -r kill -9 2>/dev/null || true
    ip netns del "$space" 2>/dev/null || true
  done
  rm -rf "$folder"
}
trap clean EXIT

space() {
  ip netns add "$tag-$1" 2>/dev/null || skip "network namespaces may not be made here"
  spaces+=("$tag-$1")
  ip -n "$tag-$1" link set dev lo up
}

inside() {
  local where=$1
  shift
  ip netns exec "$tag-$where" "$@"
}

# A node's namespace with one address, on the bridge.
host() {
  space "$1"
  ip link add "eth0" netns "$tag-$1" type veth peer name "$1" netns "$tag-bridge"
  ip -n "$tag-bridge" link set dev "$1" master bridge up
  ip -n "$tag-$1" addr add "$2/24" dev eth0
  ip -n "$tag-$1" link set dev eth0 up
}

# Rules for what arrives at a node: replaces those that there are.
rules() {
  local where=$1
  shift
  inside "$where" nft -f - <<RULES
table inet lasp
delete table inet lasp
table inet lasp {
  chain arriving {
    type filter hook input priority 0;
    $*
  }
}
RULES
}

node() {
  local where=$1
  shift
  inside "$where" "$lasp" run "$folder/numbers.lasp" --cluster "$folder/shop/nodes/$where" --node "$where" \
    --set me="$where" --timeout 60s --json "$@" >"$folder/$where.out" 2>"$folder/$where.err" &
}

tests=0
failed=0
verdict() {
  tests=$((tests + 1))
  if [ "$2" = 0 ]; then
    echo "ok: $1"
  else
    failed=$((failed + 1))
    echo "FAILED: $1"
    tail -n 5 "$folder"/*.err "$folder"/*.out | cut -c1-300
  fi
}

# All have ended well and printed the same set.
agreed() {
  local status=0 process
  for process in "$@"; do wait "$process" || status=1; done
  local values
  values=$(grep -h '"final"' "$folder"/[abcd].out | sed 's/"node":"[a-z]*",//' | sort -u | wc -l)
  [ "$status" = 0 ] && [ "$values" = 1 ]
}

space bridge
ip -n "$tag-bridge" link add bridge type bridge
ip -n "$tag-bridge" link set dev bridge up
for pair in a:10.77.0.1 b:10.77.0.2 c:10.77.0.3; do host "${pair%%:*}" "${pair##*:}"; done

if ip netns exec "$tag-a" tc qdisc add dev eth0 root netem delay 20ms 5ms 2>/dev/null; then
  for name in b c; do inside "$name" tc qdisc add dev eth0 root netem delay 20ms 5ms; done
  echo "each packet takes 15 to 25 ms"
else
  echo "no delay: this kernel has no netem"
fi

"$lasp" keys init "$folder/shop" >/dev/null 2>&1
for name in a b c; do "$lasp" keys issue --cluster "$folder/shop" --node "$name" --role server >/dev/null 2>&1; done

cat >"$folder/numbers.lasp" <<'LASP'
Numbers = declare(set).
Me = arg(me, none).
lists:foreach(fun(N) -> update(Numbers, {add, {Me, N}}) end, lists:seq(1, 200)).
update(Numbers, {rmv_all, [{Me, N} || N <- lists:seq(1, 50)]}).
LASP
three='length(query(Numbers)) == 450 andalso converged()'

run_three() {
  rm -f "$folder"/*.out "$folder"/*.err
  node a --listen 10.77.0.1:7000 --until "$three" "$@"; one=$!
  node b --listen 10.77.0.2:7000 --peers 10.77.0.1:7000 --until "$three" "$@"; two=$!
  node c --listen 10.77.0.3:7000 --peers 10.77.0.1:7000 --until "$three" "$@"; three_=$!
}

for name in a b c; do rules "$name" "udp dport 1-65535 numgen random mod 100 < 15 drop"; done
run_three
status=0; agreed $one $two $three_ || status=1
verdict "three nodes agree though 15 % of all packets are lost" $status

for name in a b; do rules "$name" ""; done
rules c "ip saddr 10.77.0.1 drop"
run_three
sleep 6
rules c ""
status=0; agreed $one $two $three_ || status=1
verdict "a node that hears nothing of the one it dials joins when that has passed" $status

for name in a b c; do rules "$name" ""; done
run_three --linger 12s
sleep 3
rules b "drop"
sleep 6
rules b ""
status=0; agreed $one $two $three_ || status=1
verdict "a node that was cut off for longer than a sign of life comes back" $status

for name in a b c; do rules "$name" ""; done
rules b "ip saddr 10.77.0.3 drop"
rules c "ip saddr 10.77.0.2 drop"
run_three
status=0; agreed $one $two $three_ || status=1
verdict "two that cannot reach each other agree by way of the third" $status
for name in b c; do rules "$name" ""; done

# A router between c's new address and the others: c is reached at the router's address, port 7009.
space router
ip link add "outside" netns "$tag-router" type veth peer name "router" netns "$tag-bridge"
ip -n "$tag-bridge" link set dev router master bridge up
ip -n "$tag-router" addr add 10.77.0.9/24 dev outside
ip -n "$tag-router" link set dev outside up
space d
ip link add "eth0" netns "$tag-d" type veth peer name "inside" netns "$tag-router"
ip -n "$tag-router" addr add 192.168.77.1/24 dev inside
ip -n "$tag-router" link set dev inside up
ip -n "$tag-d" addr add 192.168.77.2/24 dev eth0
ip -n "$tag-d" link set dev eth0 up
ip -n "$tag-d" route add default via 192.168.77.1
inside router sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
inside router nft -f - <<'RULES'
table ip lasp {
  chain to { type nat hook prerouting priority -100; iifname "outside" udp dport 7009 dnat to 192.168.77.2:7000; }
  chain from { type nat hook postrouting priority 100; oifname "outside" masquerade; }
}
RULES
"$lasp" keys issue --cluster "$folder/shop" --node d --role server >/dev/null 2>&1
rm -f "$folder"/*.out "$folder"/*.err
translated='length(query(Numbers)) == 450 andalso length(nodes()) == 2 andalso converged()'
node a --listen 10.77.0.1:7000 --until "$translated"; one=$!
node d --listen 192.168.77.2:7000 --advertise 10.77.0.9:7009 --peers 10.77.0.1:7000 --until "$translated"; two=$!
# This one knows only a, and hears from it where d can be dialed.
node b --listen 10.77.0.2:7000 --peers 10.77.0.1:7000 --until "$translated"; three_=$!
status=0; agreed $one $two $three_ || status=1
verdict "a node behind address translation is reached at the address that it advertises" $status

echo "$((tests - failed)) passed, $failed failed"
[ "$failed" = 0 ]
