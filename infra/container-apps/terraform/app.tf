# The container app: one active revision, public HTTPS ingress.

locals {
  port        = 8000
  health_path = "/healthz"
  mount_path  = "/mnt/simulator"

  # Later values override earlier ones, so that HOST and PORT always match the ingress. AZURE_CLIENT_ID selects the identity for
  # upstreams with the credential entra and for the blob with changes.
  settings = merge(
    { RECORDING_DIR = "${local.mount_path}/recording", AZURE_CLIENT_ID = azurerm_user_assigned_identity.simulator.client_id },
    var.environment_variables,
    var.changes_in_blob ? {
      CONFIG_STORE      = "blob:${azurerm_storage_account.simulator.primary_blob_endpoint}simulator/changes.json"
      CONFIG_STORE_COPY = "${local.mount_path}/changes-copy.json"
    } : {},
    { HOST = "0.0.0.0", PORT = tostring(local.port) },
  )
}

resource "azurerm_container_app" "simulator" {
  name                         = var.name
  resource_group_name          = azurerm_resource_group.simulator.name
  container_app_environment_id = azurerm_container_app_environment.simulator.id
  revision_mode                = "Single"
  workload_profile_name        = "Consumption"
  tags                         = var.tags

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.simulator.id]
  }

  registry {
    server   = azurerm_container_registry.simulator.login_server
    identity = azurerm_user_assigned_identity.simulator.id
  }

  dynamic "secret" {
    for_each = local.secret_names

    content {
      name     = secret.value
      identity = azurerm_user_assigned_identity.simulator.id
      # Without a version: a new secret value takes effect within half an hour.
      key_vault_secret_id = azurerm_key_vault_secret.simulator[secret.key].versionless_id
    }
  }

  ingress {
    external_enabled           = true
    target_port                = local.port
    transport                  = "http"
    allow_insecure_connections = false

    traffic_weight {
      latest_revision = true
      percentage      = 100
    }
  }

  template {
    min_replicas = var.min_replicas
    max_replicas = var.max_replicas
    # Longer than SHUTDOWN_GRACE_SECONDS (30), so that running responses can end.
    termination_grace_period_seconds = 45

    container {
      name   = "simulator"
      image  = "${azurerm_container_registry.simulator.login_server}/${var.image}"
      cpu    = var.cpu
      memory = var.memory

      dynamic "env" {
        for_each = local.settings

        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = local.secret_names

        content {
          name        = env.key
          secret_name = env.value
        }
      }

      startup_probe {
        transport               = "HTTP"
        port                    = local.port
        path                    = local.health_path
        interval_seconds        = 3
        timeout                 = 2
        failure_count_threshold = 10
      }

      liveness_probe {
        transport               = "HTTP"
        port                    = local.port
        path                    = local.health_path
        interval_seconds        = 10
        timeout                 = 5
        failure_count_threshold = 3
      }

      readiness_probe {
        transport               = "HTTP"
        port                    = local.port
        path                    = local.health_path
        interval_seconds        = 5
        timeout                 = 3
        failure_count_threshold = 3
      }

      volume_mounts {
        name = "simulator"
        path = local.mount_path
      }
    }

    volume {
      name         = "simulator"
      storage_type = "AzureFile"
      storage_name = azurerm_container_app_environment_storage.simulator.name
      # The image runs as user 10001, which must own the mounted share.
      mount_options = "uid=10001,gid=10001,dir_mode=0770,file_mode=0660,mfsymlinks,nobrl"
    }

    http_scale_rule {
      name                = "http"
      concurrent_requests = tostring(var.concurrent_requests)
    }
  }

  # The app needs these roles to pull the image and to read secrets.
  depends_on = [time_sleep.roles]
}
