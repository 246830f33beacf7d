# terraform init && terraform apply -var loki_password=...        (tofu does the same)
provider "aws" {
  region = "eu-central-1"
}

variable "loki_password" {
  description = "At Grafana Cloud an access policy token that may write logs"
  type        = string
  sensitive   = true
}

module "functions" {
  source = "./module"
  layer_arns = {
    x86_64 = "arn:aws:lambda:eu-central-1:123456789012:layer:aws-lambda-loki-extension-x86_64:1"
    arm64  = "arn:aws:lambda:eu-central-1:123456789012:layer:aws-lambda-loki-extension-arm64:1"
  }
  loki_endpoint = "https://logs-prod-012.grafana.net"
  loki_settings = {
    LOKI_USERNAME   = "123456"
    LOKI_PASSWORD   = var.loki_password
    LOKI_LOG_LABELS = "env=prod"
  }
  functions = {
    orders-api = { filename = "orders-api.zip", handler = "index.handler", runtime = "nodejs22.x" }
    orders-job = {
      filename     = "orders-job.zip"
      handler      = "handler.handler"
      runtime      = "python3.13"
      architecture = "arm64"
      memory_mb    = 512
    }
  }
}
