variable "layer_arns" {
  description = "ARNs of the layer's versions by architecture, as `make publish` prints them"
  type = object({
    x86_64 = optional(string)
    arm64  = optional(string)
  })
}

variable "loki_endpoint" {
  description = "URL of Loki, https://logs-prod-012.grafana.net for example"
  type        = string
}

variable "loki_settings" {
  description = "More settings of the extension: LOKI_USERNAME, LOKI_PASSWORD, LOKI_LOG_LABELS and others"
  type        = map(string)
  default     = {}
  sensitive   = true
}

variable "functions" {
  description = "The functions, by name"
  type = map(object({
    filename     = string
    handler      = string
    runtime      = string
    architecture = optional(string, "x86_64")
    memory_mb    = optional(number, 256)
    timeout_s    = optional(number, 10)
    environment  = optional(map(string), {})
  }))
}
