variable "subscription_id" {
  description = "Subscription to deploy to. Null uses ARM_SUBSCRIPTION_ID."
  type        = string
  default     = null
}

variable "resource_group_name" {
  description = "Resource group, created here and removed by terraform destroy."
  type        = string
}

variable "location" {
  description = "Azure region of all resources."
  type        = string
}

variable "name" {
  description = "Prefix of all resource names."
  type        = string
  default     = "aoai-sim"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) >= 3 && length(var.name) <= 16
    error_message = "name must be 3 to 16 lower-case letters, digits and single dashes, with a letter first."
  }
}

variable "image" {
  description = "Repository and tag of the image in the registry that is created here."
  type        = string
  default     = "aoai-simulated-api:latest"
}

variable "environment_variables" {
  description = "Settings of the simulator as environment variables (docs/config.md). Not for secrets. HOST and PORT cannot be changed."
  type        = map(string)
  default     = {}
}

variable "simulator_api_key" {
  description = "Key of the clients. At least 16 characters, because the endpoint is public."
  type        = string
  sensitive   = true

  validation {
    condition     = length(var.simulator_api_key) >= 16
    error_message = "simulator_api_key must have at least 16 characters."
  }
}

variable "simulator_admin_api_key" {
  description = "Separate admin key (/++/). Empty: the client key is used for both."
  type        = string
  default     = ""
  sensitive   = true
}

variable "twin_admin_token" {
  description = "Token of the administrator of /_twin, for TWIN_PLANE=on. Empty: there is no administrator."
  type        = string
  default     = ""
  sensitive   = true
}

variable "azure_openai_key" {
  description = "Key of the upstream service. Required to record or forward."
  type        = string
  default     = ""
  sensitive   = true
}

variable "config_store_key" {
  description = "Key of a storage account with a blob in CONFIG_STORE. Optional: the managed identity needs no key."
  type        = string
  default     = ""
  sensitive   = true
}

variable "upstream_client_secret" {
  description = "Client secret of an application in Microsoft Entra ID, for UPSTREAM_CREDENTIAL=entra without the managed identity. Optional."
  type        = string
  default     = ""
  sensitive   = true
}

variable "secrets" {
  description = "Further secrets by environment variable, such as { EAST_KEY = \"...\" }: the variables that the configuration file names."
  type        = map(string)
  default     = {}
  sensitive   = true
}

variable "changes_in_blob" {
  description = "Whether changes at run time are kept in a blob of the storage account, which the app writes with its identity. Not with several replicas: they keep changes in Redis."
  type        = bool
  default     = false
}

variable "upstream_account_ids" {
  description = "Resource ids of Azure OpenAI or Foundry accounts. The identity of the app gets the role Cognitive Services OpenAI User there, for upstreams with the credential entra."
  type        = set(string)
  default     = []
}

variable "redis_url" {
  description = "URL of an existing Redis or Valkey, with its password. Empty: deploy_redis decides whether one is created."
  type        = string
  default     = ""
  sensitive   = true
}

variable "otlp_headers" {
  description = "Headers for the OTLP collector, such as a token. Optional."
  type        = string
  default     = ""
  sensitive   = true
}

variable "applicationinsights_connection_string" {
  description = "Accepted for users of the Python simulator; docs/monitoring.md describes the replacement."
  type        = string
  default     = ""
  sensitive   = true
}

variable "deploy_redis" {
  description = "Whether to create an Azure Managed Redis. Null: if several replicas are possible and redis_url is empty."
  type        = bool
  default     = null
}

variable "redis_sku" {
  description = "Size of the Azure Managed Redis."
  type        = string
  default     = "Balanced_B0"
}

variable "min_replicas" {
  description = "Minimum number of replicas. With 0 the app stops when idle, and the first request waits for a start."
  type        = number
  default     = 1
}

variable "max_replicas" {
  description = "Maximum number of replicas. Without a Redis, several replicas have separate rate limits."
  type        = number
  default     = 1

  validation {
    condition     = var.max_replicas >= 1 && var.max_replicas >= var.min_replicas
    error_message = "max_replicas must be at least 1, and at least min_replicas."
  }

  validation {
    condition     = var.max_replicas == 1 || lookup(var.environment_variables, "SIMULATOR_MODE", "generate") != "record"
    error_message = "max_replicas must be 1 in record mode, which supports only one replica."
  }
}

variable "concurrent_requests" {
  description = "Concurrent requests for each replica, above which another one is started."
  type        = number
  default     = 200
}

variable "cpu" {
  description = "Cores of a replica. Memory in GiB must be twice that."
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
  description = "Retention of logs in days."
  type        = number
  default     = 30
}

variable "tags" {
  description = "Tags of all resources."
  type        = map(string)
  default     = {}
}
