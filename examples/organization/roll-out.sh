#!/usr/bin/env bash
# Puts the layer on every function of every account of an organisation, or takes it off again: cli/loki-logs.sh, once for each
# account and layer. Runs with the credentials of the management account, or of a delegated administrator.
# usage: LOKI_PUSH_ENDPOINT=... ./roll-out.sh add|remove LAYERS-FILE
#   LAYERS-FILE  ARNs of the layer, one a line: one for each region and architecture, as `make publish` prints them
#   ROLE         the role to take on in each account (default: OrganizationAccountAccessRole)
#   ACCOUNTS     ids of accounts, separated by spaces (default: all that are active)
#   DRY_RUN=1    says what would be changed and changes nothing
set -euo pipefail

fail() { echo "roll-out: $*" >&2; exit 2; }

action=${1:-}
file=${2:-}
[[ $action == add || $action == remove ]] || fail 'usage: roll-out.sh add|remove LAYERS-FILE'
[[ -r $file ]] || fail "there is no file $file to read the ARNs of the layer from"
mapfile -t layers < <(grep -oE 'arn:aws[a-z-]*:lambda:[^[:space:]]+' "$file")
[[ ${#layers[@]} -gt 0 ]] || fail "$file names no layer"
script=$(dirname "$0")/../cli/loki-logs.sh

own=$(aws sts get-caller-identity --query Account --output text)
accounts=${ACCOUNTS:-$(aws organizations list-accounts --query "Accounts[?Status=='ACTIVE'].Id" --output text)}

# The management account has no such role: its own credentials do.
take_role() {
  local account=$1 partition credentials
  [[ $account == "$own" ]] && return
  partition=$(cut -d: -f2 <<<"${layers[0]}")
  credentials=$(aws sts assume-role --output text --role-session-name loki-logs \
    --role-arn "arn:$partition:iam::$account:role/${ROLE:-OrganizationAccountAccessRole}" \
    --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]') || return
  read -r AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN <<<"$credentials"
  export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
  unset AWS_PROFILE
}

failed=0
for account in $accounts; do
  echo "account $account"
  # In a shell of its own: the role ends with it, and an account that fails stops no other.
  (
    set +e
    take_role "$account" || { echo "account $account: FAILED, its role cannot be taken on" >&2; exit 1; }
    status=0
    for layer in "${layers[@]}"; do
      LAYER_ARN=$layer bash "$script" "$action-all" --region "$(cut -d: -f4 <<<"$layer")" || status=1
    done
    exit "$status"
  ) || failed=1
done
exit "$failed"
