#!/bin/sh -p
# OpenLeash: asks the private cloud whether an agent may go on. Built by `python -m appliance.agents.shim.build`.
#
#   openleash-hook AGENT EVENT [DIRECTORY [TIMEOUT]]     the hook's JSON in, the agent's own answer out
#
# DIRECTORY is /etc/openleash unless it is given. It holds `endpoint` (the service's https address), `token` or
# `tokens/USER` (the machine's token, mode 0600), and `ca.pem` where the service's certificate is of an authority
# of your own. TIMEOUT is the one that the agent's settings give this hook, in seconds. Whatever fails here is the
# agent's own deny. No setting is read from the environment, because agents and projects can change that; proxies
# are, because they see nothing of TLS.
#
# -p, because a bash that is named sh otherwise obeys SHELLOPTS, ENV and functions before the first line: with
# SHELLOPTS=noexec it would run nothing and exit 0. Where sh does not know -p (BusyBox), it exits with 2: a deny.
release=@RELEASE@
unset -f cat command curl head id ls mktemp printf read rm sed sha256sum shasum tail test timeout tr wget 2>/dev/null
unset CURL_CA_BUNDLE CURL_HOME CURL_SSL_BACKEND NIX_SSL_CERT_FILE SSL_CERT_DIR SSL_CERT_FILE SSL_DIR SSLKEYLOGFILE
unset GNUTLS_SYSTEM_PRIORITY_FILE OPENSSL_CONF OPENSSL_ENGINES OPENSSL_MODULES SYSTEM_WGETRC WGETRC
# Libraries and code that programs would load. Whatever the shell itself has loaded by them is beyond this.
unset LD_AUDIT LD_LIBRARY_PATH LD_PRELOAD DYLD_FRAMEWORK_PATH DYLD_INSERT_LIBRARIES DYLD_LIBRARY_PATH GCONV_PATH
unset PERL5LIB PERL5OPT PERLLIB BASH_ENV ENV EXECIGNORE FUNCNEST POSIXLY_CORRECT
PATH=/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin:/opt/homebrew/bin:/run/current-system/sw/bin
IFS='
'
LC_ALL=C
export PATH LC_ALL
agent=$1 event=$2 place=${3:-/etc/openleash}

# The agent's own deny. It may still be writing its call: a pipe that breaks would be a failed hook to it.
refuse() {
  test -t 0 || cat >/dev/null 2>&1
  reason="OpenLeash could not be asked, so this is denied: $1."
  case "$agent $event" in
@DENIES@
  *)
    printf '%s\n' "$reason" >&2
    exit 2 ;;
  esac
  exit 0
}

# Longer than the service holds a call, shorter than the agent waits for its hook.
case "$agent $event" in
@SECONDS@
*) refuse "the agent '$agent' has no event '$event' here" ;;
esac
timeout=
case $4 in
'') ;;
*[!0-9]* | ????* | ? | 0*) refuse 'the timeout of the hook is none' ;;
*) seconds=$(($4 - @MARGIN@)) timeout="&timeout_seconds=$4" ;;
esac

case $place in *[!A-Za-z0-9._/@+~\ -]*) refuse 'the name of the directory of the shim has strange characters' ;; esac
case $place in /*) ;; *) refuse 'the directory of the shim does not begin with a slash' ;; esac
test -r "$place/endpoint" || refuse "$place/endpoint cannot be read"
IFS= read -r endpoint <"$place/endpoint"
case $endpoint in '' | *[!A-Za-z0-9.:/_-]*) refuse "$place/endpoint holds no https address" ;; esac
proxies= schemes='=https'
case $endpoint in
https://?*) ;;
http://127.0.0.1:* | http://localhost:*) proxies='noproxy = "*"' schemes='=http' ;;
*) refuse "$place/endpoint holds no https address" ;;
esac
file=$place/token
test -e "$file" || file=$place/tokens/$(id -un)
test -r "$file" || refuse "the token in $place cannot be read"
case $(ls -ldL "$file") in -r?-------*) ;; *) refuse "the token in $place can be read by others" ;; esac
IFS= read -r token <"$file"
case $token in '' | *[!A-Za-z0-9_-]*) refuse "the token in $place is none" ;; esac
authority=
test ! -e "$place/ca.pem" || authority=$place/ca.pem

# Which shim this is: the service knows the checksum that it has handed out.
mark=$(sha256sum "$0" 2>/dev/null || shasum -a 256 "$0" 2>/dev/null)
mark=${mark%% *}
mark=${mark#"${mark%%[0-9a-f]*}"}
rest=${mark#????????????}
mark=shim-$release-${mark%"$rest"}
url=${endpoint%/}/v1/hooks/$agent/$event?client_version=$mark$timeout

# Status, type and exit code come last: an answer without them is not whole.
with_curl() {
  curl -q -K /dev/fd/3 --data-binary @- 3<<END
url = "$url"
header = "authorization: Bearer $token"
header = "content-type: application/json"
header = "expect:"
user-agent = "openleash-hook/$release"
request = "POST"
silent
proto = "$schemes"
tlsv1.2
connect-timeout = 10
max-time = $seconds
write-out = "\n%{http_code} %{content_type}"
$proxies
${authority:+cacert = "$authority"}
END
  printf '\n%s' "$?"
}

# wget needs a file to send, and would show a header of its command line to everybody on the machine.
with_wget() {
  cat >"$loose/body" && printf '%s\n' "header = Authorization: Bearer $token" "header = Content-Type: application/json" \
    ${authority:+"ca_certificate = $authority"} >"$loose/rc" || { printf '\n1'; return; }
  timeout "$seconds" wget --config="$loose/rc" -q -O - --tries=1 --timeout="$seconds" --max-redirect=0 --no-cookies \
    --no-hsts --no-netrc --user-agent="openleash-hook/$release" ${proxies:+--no-proxy} --post-file="$loose/body" "$url"
  code=$?
  test "$code" = 0 && printf '\n200 application/json'
  printf '\n%s' "$code"
}

tool=
if command -v curl >/dev/null 2>&1; then
  tool=with_curl
elif command -v wget >/dev/null 2>&1 && command -v timeout >/dev/null 2>&1; then
  case $(wget --version 2>/dev/null | head -n 1) in 'GNU Wget 1'*) tool=with_wget ;; esac
fi
test -n "$tool" || refuse 'neither curl nor GNU wget is installed'
if test "$tool" = with_wget; then
  umask 077
  loose=$(mktemp -d) && test -n "$loose" || refuse 'no temporary directory can be made'
  trap 'rm -rf "$loose"' EXIT HUP INT TERM
fi
answer=$($tool 2>/dev/null | head -c @BYTES@)
# Only the end is searched: shells are slow with what is long.
end=$(printf '%s' "$answer" | tail -c 120)
code=${end##*
}
end=${end%
*}
status=${end##*
}
answer=${answer%
"$status"
"$code"}
case $code in
0) ;;
6) refuse 'the name of the service is not known' ;;
7) refuse 'the service cannot be reached' ;;
28 | 124) refuse 'the service did not answer in time' ;;
35 | 51 | 58 | 60 | 77) refuse 'the certificate of the service is not trusted' ;;
*) refuse 'the call to the service failed' ;;
esac
case $status in
'200 application/json' | '200 application/json;'*) ;;
200*) refuse 'something else than the service has answered' ;;
*) refuse 'the service answered with an error' ;;
esac
# One object: without its strings, nothing is left of its brackets once all that match are taken away.
brackets=$(printf '%s' "$answer" | sed -e 's/\\.//g' -e 's/"[^"]*"//g' | tr -cd '{}[]"' |
  sed -e ':again' -e 's/{}//g' -e 's/\[\]//g' -e 'tagain')
case $brackets$answer in '{'*'}') ;; *) refuse 'the answer of the service is not whole' ;; esac
test -z "$brackets" || refuse 'the answer of the service is not whole'
printf '%s\n' "$answer" || exit 2
