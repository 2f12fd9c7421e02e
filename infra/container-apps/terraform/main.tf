# The simulator on Azure Container Apps, with the same resources as ../bicep. The app is in app.tf.

data "azurerm_client_config" "current" {}

locals {
  compact_name = replace(var.name, "-", "")
  # Stable for a resource group, and known before any resource exists.
  suffix       = substr(sha1("${data.azurerm_client_config.current.subscription_id}/${lower(var.resource_group_name)}"), 0, 13)
  deploy_redis = coalesce(var.deploy_redis, var.max_replicas > 1 && nonsensitive(var.redis_url == ""))
  redis_url = local.deploy_redis ? format("rediss://:%s@%s:%d",
    urlencode(azurerm_managed_redis.simulator[0].default_database[0].primary_access_key),
    azurerm_managed_redis.simulator[0].hostname,
    azurerm_managed_redis.simulator[0].default_database[0].port,
  ) : var.redis_url

  # Whether a secret is set is not sensitive.
  has_upstream = nonsensitive(var.azure_openai_key != "")
  has_redis    = local.deploy_redis || nonsensitive(var.redis_url != "")

  # Names of secrets in the vault, by environment variable.
  secret_names = merge(
    { SIMULATOR_API_KEY = "simulator-api-key" },
    nonsensitive(var.simulator_admin_api_key != "") ? { ADMIN_API_KEY = "simulator-admin-api-key" } : {},
    nonsensitive(var.twin_admin_token != "") ? { TWIN_ADMIN_TOKEN = "twin-admin-token" } : {},
    local.has_upstream ? { AZURE_OPENAI_KEY = "azure-openai-key" } : {},
    nonsensitive(var.upstream_client_secret != "") ? { UPSTREAM_CLIENT_SECRET = "upstream-client-secret" } : {},
    nonsensitive(var.config_store_key != "") ? { CONFIG_STORE_KEY = "config-store-key" } : {},
    # Names of variables are not sensitive.
    { for name in nonsensitive(keys(var.secrets)) : name => lower(replace(name, "_", "-")) },
    local.has_redis ? { REDIS_URL = "redis-url" } : {},
    nonsensitive(var.applicationinsights_connection_string != "") ? { APPLICATIONINSIGHTS_CONNECTION_STRING = "applicationinsights-connection-string" } : {},
    nonsensitive(var.otlp_headers != "") ? { OTEL_EXPORTER_OTLP_HEADERS = "otlp-headers" } : {},
  )
  secret_values = merge(var.secrets, {
    SIMULATOR_API_KEY                     = var.simulator_api_key
    ADMIN_API_KEY                         = var.simulator_admin_api_key
    TWIN_ADMIN_TOKEN                      = var.twin_admin_token
    AZURE_OPENAI_KEY                      = var.azure_openai_key
    UPSTREAM_CLIENT_SECRET                = var.upstream_client_secret
    CONFIG_STORE_KEY                      = var.config_store_key
    REDIS_URL                             = local.redis_url
    OTEL_EXPORTER_OTLP_HEADERS            = var.otlp_headers
    APPLICATIONINSIGHTS_CONNECTION_STRING = var.applicationinsights_connection_string
  })
}

resource "azurerm_resource_group" "simulator" {
  name     = var.resource_group_name
  location = var.location
  tags     = var.tags
}

resource "azurerm_user_assigned_identity" "simulator" {
  name                = "${var.name}-identity"
  resource_group_name = azurerm_resource_group.simulator.name
  location            = azurerm_resource_group.simulator.location
  tags                = var.tags
}

# The container registry. The app pulls with its identity, without a password.
resource "azurerm_container_registry" "simulator" {
  name                = "${local.compact_name}${local.suffix}"
  resource_group_name = azurerm_resource_group.simulator.name
  location            = azurerm_resource_group.simulator.location
  sku                 = "Basic"
  admin_enabled       = false
  tags                = var.tags
}

resource "azurerm_role_assignment" "pull" {
  scope                = azurerm_container_registry.simulator.id
  role_definition_name = "AcrPull"
  principal_id         = azurerm_user_assigned_identity.simulator.principal_id
  principal_type       = "ServicePrincipal"
}

resource "azurerm_key_vault" "simulator" {
  name                       = "${substr(local.compact_name, 0, 10)}-${local.suffix}"
  resource_group_name        = azurerm_resource_group.simulator.name
  location                   = azurerm_resource_group.simulator.location
  tenant_id                  = data.azurerm_client_config.current.tenant_id
  sku_name                   = "standard"
  rbac_authorization_enabled = true
  soft_delete_retention_days = 7
  tags                       = var.tags
}

resource "azurerm_role_assignment" "read_secrets" {
  scope                = azurerm_key_vault.simulator.id
  role_definition_name = "Key Vault Secrets User"
  principal_id         = azurerm_user_assigned_identity.simulator.principal_id
  principal_type       = "ServicePrincipal"
}

# Unlike Bicep, Terraform writes secrets through the data plane, so the deploying user needs this role.
resource "azurerm_role_assignment" "write_secrets" {
  scope                = azurerm_key_vault.simulator.id
  role_definition_name = "Key Vault Secrets Officer"
  principal_id         = data.azurerm_client_config.current.object_id
}

# Lets the app call the models of these accounts with its identity, without a key.
resource "azurerm_role_assignment" "openai_user" {
  for_each = var.upstream_account_ids

  scope                = each.value
  role_definition_name = "Cognitive Services OpenAI User"
  principal_id         = azurerm_user_assigned_identity.simulator.principal_id
  principal_type       = "ServicePrincipal"
}

# A role assignment takes up to a few minutes to take effect, and the provider does not retry.
resource "time_sleep" "roles" {
  create_duration = "120s"

  triggers = {
    write = azurerm_role_assignment.write_secrets.id
    read  = azurerm_role_assignment.read_secrets.id
    pull  = azurerm_role_assignment.pull.id
  }
}

resource "azurerm_key_vault_secret" "simulator" {
  for_each = local.secret_names

  name         = each.value
  value        = local.secret_values[each.key]
  key_vault_id = azurerm_key_vault.simulator.id
  tags         = var.tags

  depends_on = [time_sleep.roles]
}

# Azure Managed Redis, because Azure Cache for Redis retires (dates: ../bicep/modules/redis.bicep).
resource "azurerm_managed_redis" "simulator" {
  count = local.deploy_redis ? 1 : 0

  name                = "${var.name}-${local.suffix}"
  resource_group_name = azurerm_resource_group.simulator.name
  location            = azurerm_resource_group.simulator.location
  sku_name            = var.redis_sku
  # No replica: it would double the price, and the data is only counters of the last minute.
  high_availability_enabled = false
  tags                      = var.tags

  default_database {
    access_keys_authentication_enabled = true
    client_protocol                    = "Encrypted"
    # One endpoint for all keys: the client does not follow cluster redirects.
    clustering_policy = "NoCluster"
    eviction_policy   = "VolatileLRU"
  }
}

resource "azurerm_storage_account" "simulator" {
  name                            = "${substr(local.compact_name, 0, 11)}${local.suffix}"
  resource_group_name             = azurerm_resource_group.simulator.name
  location                        = azurerm_resource_group.simulator.location
  account_tier                    = "Standard"
  account_replication_type        = "LRS"
  allow_nested_items_to_be_public = false
  # Container Apps can mount SMB shares only with the account key.
  shared_access_key_enabled = true
  min_tls_version           = "TLS1_2"
  tags                      = var.tags
}

resource "azurerm_storage_share" "simulator" {
  name               = "simulator"
  storage_account_id = azurerm_storage_account.simulator.id
  quota              = var.share_quota_gib
}

# The container for changes at run time, which the app reads and writes with its identity.
resource "azurerm_storage_container" "changes" {
  count = var.changes_in_blob ? 1 : 0

  name               = "simulator"
  storage_account_id = azurerm_storage_account.simulator.id
}

resource "azurerm_role_assignment" "write_changes" {
  count = var.changes_in_blob ? 1 : 0

  scope                = "${azurerm_storage_account.simulator.id}/blobServices/default/containers/${azurerm_storage_container.changes[0].name}"
  role_definition_name = "Storage Blob Data Contributor"
  principal_id         = azurerm_user_assigned_identity.simulator.principal_id
  principal_type       = "ServicePrincipal"
}

resource "azurerm_log_analytics_workspace" "simulator" {
  name                = "${var.name}-logs"
  resource_group_name = azurerm_resource_group.simulator.name
  location            = azurerm_resource_group.simulator.location
  sku                 = "PerGB2018"
  retention_in_days   = var.log_retention_days
  tags                = var.tags
}

resource "azurerm_container_app_environment" "simulator" {
  name                       = "${var.name}-env"
  resource_group_name        = azurerm_resource_group.simulator.name
  location                   = azurerm_resource_group.simulator.location
  logs_destination           = "log-analytics"
  log_analytics_workspace_id = azurerm_log_analytics_workspace.simulator.id
  tags                       = var.tags

  workload_profile {
    name                  = "Consumption"
    workload_profile_type = "Consumption"
  }
}

resource "azurerm_container_app_environment_storage" "simulator" {
  name                         = "simulator"
  container_app_environment_id = azurerm_container_app_environment.simulator.id
  account_name                 = azurerm_storage_account.simulator.name
  access_key                   = azurerm_storage_account.simulator.primary_access_key
  share_name                   = azurerm_storage_share.simulator.name
  access_mode                  = "ReadWrite"
}
