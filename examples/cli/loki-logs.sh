#!/usr/bin/env bash
# Puts the layer on functions that exist, or takes it off: keeps their other layers and variables.
# usage: LAYER_ARN=... LOKI_PUSH_ENDPOINT=... ./loki-logs.sh add|remove FUNCTION...  |  add-all|remove-all [--region REGION]
set -euo pipefail

SUPPORTED='^(nodejs(2[0-9])|python3\.(1[2-9])|java(2[1-9])|dotnet(8|10)|ruby3\.[3-9]|provided\.al2023)'

fail() { echo "loki-logs: $*" >&2; exit 2; }

# The layer's name without its version: it is the same layer, whatever its version.
layer_name() { echo "${LAYER_ARN%:*}"; }

layer_architectures() {
  aws lambda get-layer-version-by-arn --arn "$LAYER_ARN" --query CompatibleArchitectures --output text
}

update() {
  local function=$1 layers=$2 variables=$3
  if [[ -n ${DRY_RUN:-} && ${DRY_RUN:-} != 0 ]]; then
    echo "$function: layers $(jq -c . <<<"$layers"), variables $(jq -c 'keys' <<<"$variables")"
    return
  fi
  # From standard input, so that no secret stands in the list of processes.
  jq -n --arg name "$function" --argjson layers "$layers" --argjson variables "$variables" \
    '{FunctionName: $name, Layers: $layers, Environment: {Variables: $variables}}' |
    aws lambda update-function-configuration --cli-input-json file:///dev/stdin >/dev/null
  aws lambda wait function-updated-v2 --function-name "$function"
  echo "$function: done"
}

add() {
  local function=$1 configuration arch
  configuration=$(aws lambda get-function-configuration --function-name "$function" --output json)
  arch=$(jq -r '.Architectures[0] // "x86_64"' <<<"$configuration")
  if [[ $(jq -r .PackageType <<<"$configuration") == Image ]]; then
    echo "$function: passed over, it is a container image: see examples/container"
  elif ! [[ $(jq -r .Runtime <<<"$configuration") =~ $SUPPORTED ]]; then
    echo "$function: passed over, $(jq -r .Runtime <<<"$configuration") is not on Amazon Linux 2023"
  elif ! [[ $(layer_architectures) =~ $arch ]]; then
    echo "$function: passed over, it is of $arch and the layer is not"
  else
    update "$function" \
      "$(jq --arg name "$(layer_name)" --arg arn "$LAYER_ARN" \
        '[.Layers[]?.Arn | select(startswith($name + ":") | not)] + [$arn]' <<<"$configuration")" \
      "$(jq '(.Environment.Variables // {}) + (env | with_entries(select(.key | startswith("LOKI_"))))' <<<"$configuration")"
  fi
}

remove() {
  local function=$1 configuration
  configuration=$(aws lambda get-function-configuration --function-name "$function" --output json)
  if ! jq -e --arg name "$(layer_name)" 'any(.Layers[]?.Arn; startswith($name + ":"))' <<<"$configuration" >/dev/null; then
    echo "$function: passed over, it does not have the layer"
    return
  fi
  update "$function" \
    "$(jq --arg name "$(layer_name)" '[.Layers[]?.Arn | select(startswith($name + ":") | not)]' <<<"$configuration")" \
    "$(jq '(.Environment.Variables // {}) | with_entries(select(.key | startswith("LOKI_") | not))' <<<"$configuration")"
}

each_function() {
  local action=$1 function
  shift
  aws lambda list-functions "$@" --output json | jq -r '.Functions[].FunctionName' | while read -r function; do
    "$action" "$function" </dev/null || echo "$function: FAILED"
  done
}

[[ -n ${LAYER_ARN:-} ]] || fail 'LAYER_ARN is not set: the ARN that "make publish" prints'
command=${1:-}
shift || true
case $command in
  add) [[ -n ${LOKI_PUSH_ENDPOINT:-} ]] || fail 'LOKI_PUSH_ENDPOINT is not set'; for name in "$@"; do add "$name"; done ;;
  remove) for name in "$@"; do remove "$name"; done ;;
  add-all) [[ -n ${LOKI_PUSH_ENDPOINT:-} ]] || fail 'LOKI_PUSH_ENDPOINT is not set'; each_function add "$@" ;;
  remove-all) each_function remove "$@" ;;
  *) fail 'usage: loki-logs.sh add|remove FUNCTION..., or add-all|remove-all [--region REGION]' ;;
esac
