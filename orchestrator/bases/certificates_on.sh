# Read by the shell of a RUN step: what speaks TLS there finds the build host's certificate authorities, by variable.
# A variable that the step has keeps its value.
TWINBUILD_CA=/dev/.twinbuild-certificates/ca.crt
export SSL_CERT_FILE="${SSL_CERT_FILE:-$TWINBUILD_CA}"
export CURL_CA_BUNDLE="${CURL_CA_BUNDLE:-$TWINBUILD_CA}"
export GIT_SSL_CAINFO="${GIT_SSL_CAINFO:-$TWINBUILD_CA}"
export CARGO_HTTP_CAINFO="${CARGO_HTTP_CAINFO:-$TWINBUILD_CA}"
export PIP_CERT="${PIP_CERT:-$TWINBUILD_CA}"
export REQUESTS_CA_BUNDLE="${REQUESTS_CA_BUNDLE:-$TWINBUILD_CA}"
export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$TWINBUILD_CA}"
export APT_CONFIG="${APT_CONFIG:-/dev/.twinbuild-certificates/apt.conf}"
unset TWINBUILD_CA
