output "registry_name" {
  description = "Name of the registry, for az acr build."
  value       = azurerm_container_registry.simulator.name
}

output "vault_name" {
  description = "Name of the vault, for az keyvault secret set."
  value       = azurerm_key_vault.simulator.name
}

output "storage_account_name" {
  description = "Name of the storage account, for az storage file upload."
  value       = azurerm_storage_account.simulator.name
}

output "share_name" {
  description = "Name of the file share that is mounted at /mnt/simulator."
  value       = azurerm_storage_share.simulator.name
}

output "url" {
  description = "URL of the simulator."
  value       = "https://${azurerm_container_app.simulator.ingress[0].fqdn}"
}
