#!/usr/bin/env bash
# Shows unmodified programs reading secrets through a mount, on this machine, in about a minute after the
# build. Uses a throwaway vault, and a throwaway user where it is run as root. Leaves no mount, no process
# and no plaintext; says so only after looking.
set -euo pipefail

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then green=$'\e[32m' red=$'\e[31m' dim=$'\e[2m' off=$'\e[0m'; else green='' red='' dim='' off=''; fi
ok() { printf '  %s✓%s %-12s %s\n' "$green" "$off" "$1" "$2"; }
fail() { printf '  %s✗ %s%s\n' "$red" "$1" "$off" >&2; exit 1; }
same() { # WHAT SAYS EXPECTED GOT
  [ "$3" = "$4" ] || fail "$1 read something else than what is in the vault"
  ok "$1" "$2"
}
mounts_below() { cut -d' ' -f5 /proc/self/mountinfo | grep -F "$1" || true; }
# What has ended and waits for its parent alone is no process any more.
processes_of() { ps -eo stat=,args= | awk -v exe="$1" '$1 !~ /^Z/ && $2 == exe' ; }
processes_of_user() { ps -u "$1" -o stat=,args= | awk '$1 !~ /^Z/' ; }

# --- the part that runs as an unprivileged user ---------------------------------------------------------

demo() {
  local work=$1 mountpoint=$1/home/secrets
  export HOME=$work/home XDG_RUNTIME_DIR=$work/run XDG_STATE_HOME=$work/state TMPDIR=$work/tmp PATH=$work:/usr/local/bin:/usr/bin:/bin
  export SECRETFS_MAP=$work/secrets.yml GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0 NO_COLOR=1
  unset KUBECONFIG
  mkdir -m 700 "$HOME" "$XDG_RUNTIME_DIR" "$XDG_STATE_HOME" "$TMPDIR"
  cd "$HOME"
  trap 'secretfs unmount --all >/dev/null 2>&1 || true; [ -z "${server:-}" ] || kill "$server" 2>/dev/null || true' EXIT

  # The secrets exist in this shell's memory alone, and go into the vault through pipes.
  local token password key ssh_key kubeconfig netrc credentials api
  token=demo-$(openssl rand -hex 16) password=pw-$(openssl rand -hex 16) api="api-$(openssl rand -hex 16)"
  key=$(openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2>/dev/null)
  ssh_key=$(openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 2>/dev/null)
  kubeconfig="apiVersion: v1
kind: Config
current-context: demo
clusters: [{name: demo, cluster: {server: 'https://127.0.0.1:6443'}}]
contexts: [{name: demo, context: {cluster: demo, user: demo}}]
users: [{name: demo, user: {token: $token}}]"
  netrc="machine 127.0.0.1 login demo password $password"
  credentials="https://demo:$password@git.example.com"

  openssl rand -hex 24 >"$work/passphrase"
  local vault=(--file "$work/vault.age" --passphrase-file "$work/passphrase")
  secretfs vault init "${vault[@]}" >/dev/null
  put() { printf '%s\n' "$2" | secretfs vault set "$1" "${vault[@]}" >/dev/null; }
  put KUBE_CONFIG "$kubeconfig"
  put SSH_KEY "$ssh_key"
  put GIT_CREDENTIALS "$credentials"
  put NETRC "$netrc"
  put TLS_KEY "$key"
  put API_KEY "$api"
  ok vault "$(secretfs vault list "${vault[@]}" | wc -l) secrets in an age-encrypted file"

  cat >"$SECRETFS_MAP" <<MAP
config:
  mountpoint: $mountpoint
providers:
  vault: {type: local, file: $work/vault.age}
secrets:
  - {name: KUBE_CONFIG, file: kubeconfig, env: KUBECONFIG}
  - {name: SSH_KEY, file: ssh/id_demo}
  - {name: GIT_CREDENTIALS, file: git-credentials}
  - {name: NETRC, file: netrc}
  - {name: TLS_KEY, file: tls/server.key}
  - {name: API_KEY, file: api-key, env: API_KEY_FILE}
MAP
  secretfs check >/dev/null || fail "the map is not valid"
  secretfs mount --passphrase-file "$work/passphrase" >/dev/null
  [ "$(mounts_below "$mountpoint")" = "$mountpoint" ] || fail "there is no mount"
  ok mount "$(find "$mountpoint" -mindepth 1 | wc -l) names at $mountpoint, nothing fetched yet"
  eval "$(secretfs env --shell bash)"

  kubectl config view >/dev/null || fail "kubectl config view"
  same kubectl "config view, through \$KUBECONFIG" "$token" \
    "$(kubectl config view --raw -o 'jsonpath={.users[0].user.token}')"
  same ssh-keygen "-y -f ssh/id_demo" "$(ssh-keygen -y -f /dev/stdin <<<"$ssh_key")" \
    "$(ssh-keygen -y -f "$mountpoint/ssh/id_demo")"
  same git "credential-store --file git-credentials" "$password" \
    "$(printf 'protocol=https\nhost=git.example.com\n\n' |
      git -c credential.helper= -c "credential.helper=store --file=$mountpoint/git-credentials" credential fill |
      sed -n 's/^password=//p')"

  # The password comes by a pipe, not in an argument.
  "$python" -c "$greeter" "$work/port" < <(printf 'demo:%s' "$password") &
  server=$!
  for _ in $(seq 500); do [ -s "$work/port" ] && break; sleep 0.01; done
  same curl "--netrc-file netrc http://127.0.0.1:$(cat "$work/port")/" "hello demo" \
    "$(curl -sS --fail --noproxy '*' --netrc-file "$mountpoint/netrc" "http://127.0.0.1:$(cat "$work/port")/")"
  kill "$server"; wait "$server" 2>/dev/null || true; server=''

  same openssl "pkey -in tls/server.key" "$(openssl pkey -pubout <<<"$key")" \
    "$(openssl pkey -pubout -in "$mountpoint/tls/server.key")"
  same python "open(os.environ['API_KEY_FILE']), and an mmap of it" "$api $api" \
    "$("$python" -c 'import mmap, os
f = open(os.environ["API_KEY_FILE"], "rb")
print(f.read().decode().strip(), mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)[:].decode().strip())')"
  same node "fs.readFileSync(process.env.API_KEY_FILE)" "$api" \
    "$(node -p 'require("fs").readFileSync(process.env.API_KEY_FILE, "utf8").trim()')"

  secretfs unmount >/dev/null
  [ -z "$(mounts_below "$mountpoint")" ] || fail "the mount is still there"
  # shellcheck disable=SC2153  # one of the variables of the map
  [ ! -e "$KUBECONFIG" ] || fail "a file is still there"
  rm "$work/passphrase"
  for needle in "$token" "$password" "$api" "$(sed -n 2p <<<"$key")" "$(sed -n 2p <<<"$ssh_key")"; do
    if found=$(grep -rlaF -e "$needle" "$work"); then fail "plaintext is left in $found"; fi
  done
  trap - EXIT
}

# A server that greets whoever signs in as the netrc file says.
greeter='import base64, http.server, os, sys
expected = "Basic " + base64.b64encode(sys.stdin.buffer.read()).decode()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        good = self.headers.get("Authorization") == expected
        self.send_response(200 if good else 401)
        self.end_headers()
        self.wfile.write(b"hello demo" if good else b"who are you?")
    def log_message(self, *args): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open(sys.argv[1] + ".new", "w") as f: f.write(str(server.server_port))
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()'

# A version manager's python may lie in a home that the demo's user cannot enter.
python=/usr/bin/python3

if [ "${1:-}" = --as-user ]; then
  demo "$2"
  exit 0
fi

# --- the part that prepares and cleans up ---------------------------------------------------------------

cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ "$(id -u)" = 0 ]; then as_root() { "$@"; }; else as_root() { sudo "$@"; }; fi
echo "secretfs quickstart"

packages=()
need() { command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] || packages+=("$2"); }
need fusermount3 fuse3; need kubectl kubernetes-client; need ssh-keygen openssh-client; need git git
need curl curl; need openssl openssl; need node nodejs; need cc gcc; need setpriv util-linux; need ps procps
[ -x $python ] || packages+=(python3)
if [ ${#packages[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || fail "install these by the means of your system, then run this again: ${packages[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
  ok packages "${packages[*]}"
fi
[ -e /dev/fuse ] || as_root modprobe fuse || fail "there is no /dev/fuse: load the module fuse, or give the container the device"
[ "$(stat -c %a /dev/fuse)" = 666 ] || as_root chmod 666 /dev/fuse
command -v cargo >/dev/null || . "${CARGO_HOME:-$HOME/.cargo}/env" 2>/dev/null ||
  fail "Rust is missing: install it from https://rustup.rs, then run this again"

[ -x target/release/secretfs ] || printf '  %sbuilding: a few minutes the first time%s\n' "$dim" "$off"
cargo build --release --locked --quiet -p secretfs
ok build "target/release/secretfs, $(($(stat -c %s target/release/secretfs) / 1048576)) MiB"

work=$(mktemp -d /tmp/secretfs-quickstart.XXXXXX) user=''
cleanup() {
  local status=$?
  for mount in $(mounts_below "$work"); do as_root umount -l "$mount" || true; done
  if [ -n "$user" ]; then
    pkill -KILL -u "$user" 2>/dev/null || true
    for _ in $(seq 200); do pgrep -u "$user" >/dev/null || break; sleep 0.01; done
    userdel "$user" 2>/dev/null || true
  fi
  rm -rf "$work"
  exit "$status"
}
trap cleanup EXIT INT TERM
install -m 755 target/release/secretfs "$work/secretfs"
install -m 755 packaging/quickstart.sh "$work/quickstart.sh"

# The default limit of Linux since 5.16: what is shown here needs no more.
run=(prlimit --memlock=8388608:8388608)
if [ "$(id -u)" = 0 ]; then
  user=secretfs-demo-$$
  useradd --system --no-create-home --shell /bin/bash "$user"
  chown "$user" "$work"
  run+=(setpriv "--reuid=$(id -u "$user")" "--regid=$(id -g "$user")" --clear-groups --inh-caps=-all)
fi
chmod 711 "$work"
"${run[@]}" env -i "LANG=C.UTF-8" "NO_COLOR=${NO_COLOR:-}" bash "$work/quickstart.sh" --as-user "$work" || fail "see above"

left=$(mounts_below "$work"; processes_of "$work/secretfs"; [ -z "$user" ] || processes_of_user "$user" || true)
[ -z "$left" ] || fail "left behind: $left"
ok clean "no mount, no process, no plaintext left"
