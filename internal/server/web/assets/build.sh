#!/bin/sh
# Builds ../static from this folder: style sheet and script, minified, with names that hold
# their hash, and a gzip copy of each. Needs node and npm; works in a temporary folder. The
# result is committed; a second run changes nothing.
set -eu
cd "$(dirname "$0")"
src=$PWD
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cp package.json package-lock.json app.scss _kyso.scss app.mjs "$tmp/"
cd "$tmp"
npm ci --no-audit --no-fund --loglevel=error
npx sass --no-source-map --style=compressed --load-path=node_modules --quiet-deps app.scss app.css
npx esbuild app.mjs --bundle --minify --format=iife --target=chrome90,firefox90,safari14 --legal-comments=none --outfile=app.js --log-level=warning
out=$src/../static
rm -f "$out"/app.*
for f in app.css app.js; do
  hash=$(sha256sum "$f" | cut -c1-12)
  name="${f%.*}.$hash.${f##*.}"
  cp "$f" "$out/$name"
  gzip -9 -n -k -c "$f" >"$out/$name.gz"
done
