#!/bin/sh
# Starts a server: serve.sh SERVER.toml [DEPLOYMENT.toml]
#
# Obelisk keeps the parameters of every call, users and project tokens among them, in its database,
# and sets no mode for it: here, only its user can read it. Whoever asks its API needs a token: that
# of OBELISK_API_TOKEN, or one that is made and kept in a file.
set -eu
umask 077

[ $# -ge 1 ] || {
    echo "serve: serve.sh SERVER.toml [DEPLOYMENT.toml]" >&2
    exit 2
}

# Of servers that were started without this script.
for database in "${XDG_DATA_HOME:-$HOME/.local/share}"/obelisk/mixpanel*; do
    [ ! -d "$database" ] || chmod -R go= "$database"
done

if [ -z "${OBELISK_API_TOKEN:-}" ]; then
    file=${XDG_CONFIG_HOME:-$HOME/.config}/obelisk/api-token
    mkdir -p "$(dirname "$file")"
    [ -s "$file" ] || obelisk generate token >"$file"
    echo "serve: the API's token is in $file" >&2
    OBELISK_API_TOKEN=$(cat "$file")
    export OBELISK_API_TOKEN
fi

exec obelisk server run --server-config "$1" ${2:+--deployment "$2"}
