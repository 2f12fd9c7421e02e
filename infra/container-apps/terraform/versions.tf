terraform {
  required_version = ">= 1.9"

  required_providers {
    azurerm = {
      source = "hashicorp/azurerm"
      # Arguments were checked against the schema of 4.55.0.
      version = ">= 4.55, < 5.0"
    }
    time = {
      source  = "hashicorp/time"
      version = "~> 0.12"
    }
  }
}

provider "azurerm" {
  # Null uses ARM_SUBSCRIPTION_ID. Version 4 of the provider requires one of them.
  subscription_id = var.subscription_id

  features {
    key_vault {
      # Without this, the name of the vault stays reserved after terraform destroy.
      purge_soft_delete_on_destroy    = true
      recover_soft_deleted_key_vaults = true
    }
  }
}
