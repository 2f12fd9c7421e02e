variable "subscription_id" {
  description = "Subscription to deploy to. Null takes ARM_SUBSCRIPTION_ID."
  type        = string
  default     = null
}

variable "resource_group_name" {
  description = "Resource group, which is made here and removed by a destroy."
  type        = string
}

variable "location" {
  description = "Azure region of all resources."
  type        = string
}

variable "name" {
  description = "Begins the names of all resources."
  type        = string
  default     = "aoai-sim"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) >= 3 && length(var.name) <= 16
    error_message = "name must be 3 to 16 lower-case letters, digits and single dashes, with a letter first."
  }
}

variable "image" {
  description = "Repository and tag of the image in the registry that is made here."
  type        = string
  default     = "aoai-simulated-api:latest"
}

variable "environment_variables" {
  description = "Settings of the simulator as environment variables, by name: docs/config.md lists them. Not for secrets. HOST and PORT are set here and cannot be changed."
  type        = map(string)
  default     = {}
}

variable "simulator_api_key" {
  description = "The key that callers send. At least 16 characters, since the endpoint is public."
  type        = string
  sensitive   = true

  validation {
    condition     = length(var.simulator_api_key) >= 16
    error_message = "simulator_api_key must have at least 16 characters."
  }
}

variable "simulator_admin_api_key" {
  description = "Key of the administration under /++/, which the key of callers then does not open; empty: that opens both."
  type        = string
  default     = ""
  sensitive   = true
}

variable "azure_openai_key" {
  description = "Key of the service that requests are forwarded to; empty unless something is recorded or forwarded."
  type        = string
  default     = ""
  sensitive   = true
}

variable "redis_url" {
  description = "Address of a Redis or Valkey of your own, with its password; empty makes one where deploy_redis says so."
  type        = string
  default     = ""
  sensitive   = true
}

variable "otlp_headers" {
  description = "Headers of the OTLP collector, a token most likely; empty for a collector that asks for none."
  type        = string
  default     = ""
  sensitive   = true
}

variable "applicationinsights_connection_string" {
  description = "What users of the Python simulator set; it is taken, and docs/monitoring.md says what to use instead."
  type        = string
  default     = ""
  sensitive   = true
}

variable "deploy_redis" {
  description = "Whether an Azure Managed Redis is made. Null: where there may be several replicas and redis_url is empty."
  type        = bool
  default     = null
}

variable "redis_sku" {
  description = "Size of the Azure Managed Redis."
  type        = string
  default     = "Balanced_B0"
}

variable "min_replicas" {
  description = "Fewest replicas. 0 lets the app sleep; the first request then waits for a start."
  type        = number
  default     = 1
}

variable "max_replicas" {
  description = "Most replicas. More than one need a Redis, or each has rate limits of its own."
  type        = number
  default     = 1

  validation {
    condition     = var.max_replicas >= 1 && var.max_replicas >= var.min_replicas
    error_message = "max_replicas must be at least 1, and at least min_replicas."
  }

  validation {
    condition     = var.max_replicas == 1 || lookup(var.environment_variables, "SIMULATOR_MODE", "generate") != "record"
    error_message = "max_replicas must be 1 in record mode: several replicas would write the same files."
  }
}

variable "concurrent_requests" {
  description = "Requests in flight for each replica, above which another one is started."
  type        = number
  default     = 200
}

variable "cpu" {
  description = "Cores of a replica. Memory in GiB has to be twice that."
  type        = number
  default     = 1
}

variable "memory" {
  description = "Memory of a replica."
  type        = string
  default     = "2Gi"
}

variable "share_quota_gib" {
  description = "Size of the file share, in GiB."
  type        = number
  default     = 5
}

variable "log_retention_days" {
  description = "Days for which logs are kept."
  type        = number
  default     = 30
}

variable "tags" {
  description = "Tags of all resources."
  type        = map(string)
  default     = {}
}
