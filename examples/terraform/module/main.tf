# Functions whose logs go to Grafana Loki.
terraform {
  required_version = ">= 1.3"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

data "aws_partition" "current" {}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "this" {
  for_each           = var.functions
  name_prefix        = substr(each.key, 0, 32)
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

# CloudWatch stays on until the first lines were seen in Loki: see examples/iam.
resource "aws_iam_role_policy_attachment" "logs" {
  for_each   = var.functions
  role       = aws_iam_role.this[each.key].name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_lambda_function" "this" {
  for_each         = var.functions
  function_name    = each.key
  role             = aws_iam_role.this[each.key].arn
  filename         = each.value.filename
  source_code_hash = filebase64sha256(each.value.filename)
  handler          = each.value.handler
  runtime          = each.value.runtime
  architectures    = [each.value.architecture]
  memory_size      = each.value.memory_mb
  timeout          = each.value.timeout_s
  layers           = [var.layer_arns[each.value.architecture]]

  environment {
    variables = merge(var.loki_settings, each.value.environment, { LOKI_PUSH_ENDPOINT = var.loki_endpoint })
  }
}

output "function_arns" {
  value = { for name, function in aws_lambda_function.this : name => function.arn }
}
