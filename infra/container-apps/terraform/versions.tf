terraform {
  required_version = ">= 1.9"

  required_providers {
    azurerm = {
      source = "hashicorp/azurerm"
      # The arguments were checked against the schema of 4.55.0.
      version = ">= 4.55, < 5.0"
    }
    time = {
      source  = "hashicorp/time"
      version = "~> 0.12"
    }
  }
}

provider "azurerm" {
  # Empty, it is that of ARM_SUBSCRIPTION_ID, which version 4 of the provider asks for.
  subscription_id = var.subscription_id

  features {
    key_vault {
      # A simulator's vault is made to be thrown away: without this its name stays taken after a destroy.
      purge_soft_delete_on_destroy    = true
      recover_soft_deleted_key_vaults = true
    }
  }
}
