#!/bin/sh
# Sign in where the server asks for it, upload a recording, wait for it, fetch what it came to; then the same session
# over gRPC.
#
#   sh docs/examples/transcribe.sh song.wav song.gp5
#
# Needs curl (7.83 or newer). The last step needs grpcurl, or buf, and the contract in proto/; without either it is left out.
# GENESIS_URL and GENESIS_GRPC are where the server is; GENESIS_EMAIL and GENESIS_PASSWORD are those of an account, where
# it has accounts.
set -eu

song=$1 target=$2
url=${GENESIS_URL:-http://127.0.0.1:8000}
grpc=${GENESIS_GRPC:-127.0.0.1:50051}
proto=$(dirname "$0")/../../proto

# A member of a flat JSON object on stdin.
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

token=
if curl -sS --fail-with-body "$url/auth/status" | grep -q '"accounts":true'; then
  body=$(printf '{"email":"%s","password":"%s"}' "$GENESIS_EMAIL" "$GENESIS_PASSWORD")
  token=$(printf '%s' "$body" | curl -sS --fail-with-body --data @- "$url/auth/login" | member access_token)
fi

# curl with the token. Read from stdin it stands in no list of processes.
ask() { printf 'header = "Authorization: Bearer %s"\n' "$token" | curl -sS --fail-with-body --config - "$@"; }

# 202 and where the transcription is. The same key makes nothing new: curl may try as often as it needs to.
one=$url$(ask --retry 3 -o /dev/null -w '%header{location}' \
  -H "Idempotency-Key: $(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')" \
  -F "file=@$song" -F tuning=standard "$url/api/transcribe")

until ask "$one" | grep -qE '"status":"(completed|failed|cancelled)"'; do sleep 0.2; done

ask -o /dev/null -w 'result: %{size_download} bytes, version %header{genesis-version}\n' "$one/result"
ask -o "$target" -w "$target: %{content_type}, not in it: %header{genesis-export-losses}\n" "$one/export/${target##*.}"

request=$(printf '{"session_id":"%s"}' "${one##*/}")
method=genesis.v1.TranscriptionService/WatchSession
if command -v grpcurl >/dev/null; then
  grpcurl -plaintext -import-path "$proto" -proto genesis/v1/transcription_service.proto \
    -H "authorization: Bearer $token" -d "$request" "$grpc" "$method"
elif command -v buf >/dev/null; then
  printf 'authorization: Bearer %s\n\n%s' "$token" "$request" |
    buf curl --schema "$proto" --protocol grpc --http2-prior-knowledge --header @- --data @- "http://$grpc/$method"
fi
