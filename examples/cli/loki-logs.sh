#!/usr/bin/env bash
# Puts the layer on functions that exist, or takes it off. Keeps their other layers and variables.
# usage: LAYER_ARN=... LOKI_PUSH_ENDPOINT=... ./loki-logs.sh add|remove [--region REGION] FUNCTION...
#        LAYER_ARN=... LOKI_PUSH_ENDPOINT=... ./loki-logs.sh add-all|remove-all [--region REGION]
# DRY_RUN=1 says what would be changed and changes nothing. Exit: 0 all done or passed over, 1 a function failed, 2 not begun.
set -euo pipefail

# The runtimes on Amazon Linux 2023. On older ones the extension steps aside and sends nothing.
SUPPORTED='^(nodejs2[0-9]|python3\.(1[2-9])|java2[1-9]|dotnet([89]|1[0-9])|ruby(3\.[3-9]|[4-9])|provided\.al2023)'

fail() { echo "loki-logs: $*" >&2; exit 2; }

# Changes one function as the jq program says, which gets its configuration. Secrets go through pipes: arguments can be
# read by every process of the machine.
update() {
  local function=$1 configuration=$2 change=$3 request
  request=$(jq --arg arn "$LAYER_ARN" --arg layer "${LAYER_ARN%:*}:" "$change" <<<"$configuration")
  if [[ ! ${DRY_RUN:-0} =~ ^(0|false|no|)$ ]]; then
    jq -r '"\(.FunctionName): would have the layers \(.Layers), the variables \(.Environment.Variables | keys)"' <<<"$request"
    return
  fi
  aws lambda update-function-configuration --cli-input-json file:///dev/stdin <<<"$request" >/dev/null
  aws lambda wait function-updated-v2 --function-name "$function"
  echo "$function: done"
}

# Why this function cannot take the layer, or nothing.
objection() {
  local configuration=$1 runtime arch
  runtime=$(jq -r '.Runtime // ""' <<<"$configuration")
  arch=$(jq -r '.Architectures[0] // "x86_64"' <<<"$configuration")
  if [[ $(jq -r .PackageType <<<"$configuration") == Image ]]; then
    echo 'it is a container image: see examples/container'
  elif ! [[ $runtime =~ $SUPPORTED ]]; then
    echo "$runtime is not on Amazon Linux 2023"
  elif [[ $LAYER_ARCHITECTURES != None && ! " $LAYER_ARCHITECTURES " == *" $arch "* ]]; then
    echo "it is of $arch, and the layer is of $LAYER_ARCHITECTURES"
  fi
}

add() {
  local function=$1 configuration reason
  configuration=$(aws lambda get-function-configuration --function-name "$function" --output json)
  reason=$(objection "$configuration")
  if [[ -n $reason ]]; then echo "$function: passed over, $reason"; return; fi
  # shellcheck disable=SC2016 # jq's variables, not the shell's
  update "$function" "$configuration" '{
    FunctionName,
    Layers: ([.Layers[]?.Arn | select(startswith($layer) | not)] + [$arn]),
    Environment: {Variables: ((.Environment.Variables // {}) + (env | with_entries(select(.key | startswith("LOKI_")))))}
  }'
}

remove() {
  local function=$1 configuration
  configuration=$(aws lambda get-function-configuration --function-name "$function" --output json)
  # shellcheck disable=SC2016
  if ! jq -e --arg layer "${LAYER_ARN%:*}:" 'any(.Layers[]?.Arn; startswith($layer))' <<<"$configuration" >/dev/null; then
    echo "$function: passed over, it does not have the layer"
    return
  fi
  # shellcheck disable=SC2016
  update "$function" "$configuration" '{
    FunctionName,
    Layers: [.Layers[]?.Arn | select(startswith($layer) | not)],
    Environment: {Variables: ((.Environment.Variables // {}) | with_entries(select(.key | startswith("LOKI_") | not)))}
  }'
}

# Each in a shell of its own, so that one that fails stops no other.
for_each() {
  local action=$1 function failed=0
  shift
  for function in "$@"; do
    bash "$0" "$action" "$function" </dev/null || { echo "$function: FAILED" >&2; failed=1; }
  done
  return "$failed"
}

[[ ${LAYER_ARN:-} =~ ^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:layer:[A-Za-z0-9_-]+:[0-9]+$ ]] ||
  fail 'LAYER_ARN must be the ARN that "make publish" prints, with the version at its end'
command -v aws >/dev/null || fail 'the AWS CLI (aws) is not on the PATH'
command -v jq >/dev/null || fail 'jq is not on the PATH'
action=${1:-}
shift || true
[[ $action == add* && -z ${LOKI_PUSH_ENDPOINT:-} ]] && fail 'LOKI_PUSH_ENDPOINT is not set'
if [[ ${1:-} == --region ]]; then
  # The CLI's versions 1 and 2 read different names.
  export AWS_REGION=${2:?} AWS_DEFAULT_REGION=${2:?}
  shift 2
fi
if [[ $action == add* && -z ${LAYER_ARCHITECTURES:-} ]]; then
  LAYER_ARCHITECTURES=$(aws lambda get-layer-version-by-arn --arn "$LAYER_ARN" --query CompatibleArchitectures --output text)
  LAYER_ARCHITECTURES=${LAYER_ARCHITECTURES//$'\t'/ }
  export LAYER_ARCHITECTURES
fi
case $action in
  add | remove)
    [[ $# -gt 0 ]] || fail "$action needs the name of a function"
    if [[ $# == 1 ]]; then "$action" "$1"; else for_each "$action" "$@"; fi
    ;;
  add-all | remove-all)
    [[ $# == 0 ]] || fail "$action takes no names: it is for every function of the region"
    names=$(aws lambda list-functions --query 'Functions[].FunctionName' --output text)
    # shellcheck disable=SC2086 # names have no spaces
    for_each "${action%-all}" ${names/#None/}
    ;;
  *) fail 'usage: loki-logs.sh add|remove [--region REGION] FUNCTION..., or add-all|remove-all [--region REGION]' ;;
esac
