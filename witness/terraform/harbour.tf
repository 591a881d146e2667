terraform {
  required_providers {
    azuread = {
      "source"  = "hashicorp/azuread"
      "version" = "~> 3.0"
    }
    azurerm = {
      "source"  = "hashicorp/azurerm"
      "version" = "~> 4.0"
    }
    google = {
      "source"  = "hashicorp/google"
      "version" = ">= 6.0"
    }
    kubernetes = {
      "source"  = "hashicorp/kubernetes"
      "version" = ">= 2.30"
    }
  }
}

provider "azuread" {
  tenant_id = "0f3a7c1e-5b52-4c8e-9d1a-6f2b8e4d7a10"
}

provider "azurerm" {
  tenant_id       = "0f3a7c1e-5b52-4c8e-9d1a-6f2b8e4d7a10"
  subscription_id = "7d9b2f40-1c3e-4a5d-8b6f-2e0c9a8d5b31"

  features {
  }
}

provider "google" {
  project = "harbour-prod"
}

resource "azuread_application" "bridge" {
  display_name = "gangplank-harbour"
  identifier_uris = [
    "api://0f3a7c1e-5b52-4c8e-9d1a-6f2b8e4d7a10/gangplank-harbour",
  ]
  sign_in_audience = "AzureADMyOrg"
  tags = [
    "gangplank:harbour",
  ]
  group_membership_claims = [
    "SecurityGroup",
  ]

  api {
    requested_access_token_version = 2
  }

  app_role {
    allowed_member_types = [
      "Application",
    ]
    description  = "cellar deployers"
    display_name = "cellar deployers"
    enabled      = true
    id           = "638d14cc-9200-5421-a633-a90eb31d0fb0"
    value        = "Cellar.Deployer"
  }
}

resource "azuread_service_principal" "bridge" {
  client_id = azuread_application.bridge.client_id
}

resource "azuread_app_role_assignment" "cellar_deployer_f6a5b8c7_c0b9_436e_81ad_275314bf3006" {
  app_role_id         = "638d14cc-9200-5421-a633-a90eb31d0fb0"
  principal_object_id = "f6a5b8c7-c0b9-436e-81ad-275314bf3006"
  resource_object_id  = azuread_service_principal.bridge.object_id
}

resource "azurerm_user_assigned_identity" "gp_harbour_1" {
  name                = "gp-harbour-1"
  resource_group_name = "rg-quay"
  location            = "westeurope"
  tags = {
    "gangplank"        = "harbour"
    "gangplank-team"   = "cellar"
    "gangplank-rights" = "read-models"
  }
}

resource "azurerm_role_assignment" "reader_c3d2e5f4_9d86_403b_9e7a_f42081ac0d03" {
  scope              = "/subscriptions/7d9b2f40-1c3e-4a5d-8b6f-2e0c9a8d5b31/resourceGroups/rg-quay/providers/Microsoft.MachineLearningServices/workspaces/quay"
  role_definition_id = "/subscriptions/7d9b2f40-1c3e-4a5d-8b6f-2e0c9a8d5b31/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
  principal_id       = "c3d2e5f4-9d86-403b-9e7a-f42081ac0d03"
  principal_type     = "ServicePrincipal"
  description        = "gangplank:harbour"
}

resource "azurerm_role_assignment" "storage_blob_data_reader_c3d2e5f4_9d86_403b_9e7a_f42081ac0d03" {
  scope              = "/subscriptions/7d9b2f40-1c3e-4a5d-8b6f-2e0c9a8d5b31/resourceGroups/rg-quay/providers/Microsoft.Storage/storageAccounts/quaystore/blobServices/default/containers/azureml"
  role_definition_id = "/subscriptions/7d9b2f40-1c3e-4a5d-8b6f-2e0c9a8d5b31/providers/Microsoft.Authorization/roleDefinitions/2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
  principal_id       = "c3d2e5f4-9d86-403b-9e7a-f42081ac0d03"
  principal_type     = "ServicePrincipal"
  description        = "gangplank:harbour"
}

resource "azurerm_role_assignment" "reader_f6a5b8c7_c0b9_436e_81ad_275314bf3006" {
  scope              = "/subscriptions/7d9b2f40-1c3e-4a5d-8b6f-2e0c9a8d5b31/resourceGroups/rg-quay/providers/Microsoft.MachineLearningServices/workspaces/quay"
  role_definition_id = "/subscriptions/7d9b2f40-1c3e-4a5d-8b6f-2e0c9a8d5b31/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
  principal_id       = "f6a5b8c7-c0b9-436e-81ad-275314bf3006"
  principal_type     = "ServicePrincipal"
  description        = "gangplank:harbour"
}

resource "azurerm_role_assignment" "storage_blob_data_reader_f6a5b8c7_c0b9_436e_81ad_275314bf3006" {
  scope              = "/subscriptions/7d9b2f40-1c3e-4a5d-8b6f-2e0c9a8d5b31/resourceGroups/rg-quay/providers/Microsoft.Storage/storageAccounts/quaystore/blobServices/default/containers/azureml"
  role_definition_id = "/subscriptions/7d9b2f40-1c3e-4a5d-8b6f-2e0c9a8d5b31/providers/Microsoft.Authorization/roleDefinitions/2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
  principal_id       = "f6a5b8c7-c0b9-436e-81ad-275314bf3006"
  principal_type     = "ServicePrincipal"
  description        = "gangplank:harbour"
}

resource "azurerm_role_assignment" "reader_gp_harbour_1" {
  scope              = "/subscriptions/7d9b2f40-1c3e-4a5d-8b6f-2e0c9a8d5b31/resourceGroups/rg-quay/providers/Microsoft.MachineLearningServices/workspaces/quay"
  role_definition_id = "/subscriptions/7d9b2f40-1c3e-4a5d-8b6f-2e0c9a8d5b31/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
  principal_id       = azurerm_user_assigned_identity.gp_harbour_1.principal_id
  principal_type     = "ServicePrincipal"
  description        = "gangplank:harbour"
}

resource "azurerm_role_assignment" "storage_blob_data_reader_gp_harbour_1" {
  scope              = "/subscriptions/7d9b2f40-1c3e-4a5d-8b6f-2e0c9a8d5b31/resourceGroups/rg-quay/providers/Microsoft.Storage/storageAccounts/quaystore/blobServices/default/containers/azureml"
  role_definition_id = "/subscriptions/7d9b2f40-1c3e-4a5d-8b6f-2e0c9a8d5b31/providers/Microsoft.Authorization/roleDefinitions/2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
  principal_id       = azurerm_user_assigned_identity.gp_harbour_1.principal_id
  principal_type     = "ServicePrincipal"
  description        = "gangplank:harbour"
}

resource "google_iam_workload_identity_pool" "bridge" {
  workload_identity_pool_id = "gangplank"
  description               = "gangplank:harbour"
  disabled                  = false
}

resource "google_iam_workload_identity_pool_provider" "bridge" {
  workload_identity_pool_id          = google_iam_workload_identity_pool.bridge.workload_identity_pool_id
  workload_identity_pool_provider_id = "entra"
  description                        = "gangplank:harbour"
  disabled                           = false
  attribute_mapping = {
    "attribute.client_id" = "has(assertion.azp) ? assertion.azp : ''"
    "google.groups"       = "(has(assertion.roles) ? assertion.roles : []) + (has(assertion.groups) ? assertion.groups : [])"
    "google.subject"      = "assertion.sub"
  }
  attribute_condition = "assertion.tid == '0f3a7c1e-5b52-4c8e-9d1a-6f2b8e4d7a10' && (assertion.sub in ['c3d2e5f4-9d86-403b-9e7a-f42081ac0d03'] || '29d8ebfa-f3ec-4691-94d0-5a8647e26309' in google.groups || 'Cellar.Deployer' in google.groups)"

  oidc {
    issuer_uri = "https://login.microsoftonline.com/0f3a7c1e-5b52-4c8e-9d1a-6f2b8e4d7a10/v2.0"
    allowed_audiences = [
      azuread_application.bridge.client_id,
    ]
  }
}

resource "google_service_account" "gp_oncology" {
  account_id   = "gp-oncology"
  display_name = "Gangplank: deploys for oncology"
  description  = "gangplank:harbour"
}

resource "google_service_account" "gp_cellar" {
  account_id   = "gp-cellar"
  display_name = "Gangplank: deploys for cellar"
  description  = "gangplank:harbour"
}

resource "google_service_account" "gpw_taster" {
  account_id   = "gpw-taster"
  display_name = "Gangplank: workload taster"
  description  = "gangplank:harbour"
}

resource "azurerm_federated_identity_credential" "reader" {
  name                = "reader"
  resource_group_name = "rg-quay"
  parent_id           = azurerm_user_assigned_identity.gp_harbour_1.id
  issuer              = "https://container.googleapis.com/v1/projects/p/locations/l/clusters/c"
  subject             = "system:serviceaccount:wine:reader"
  audience = [
    "api://AzureADTokenExchange",
  ]
}

resource "azurerm_federated_identity_credential" "taster" {
  name                = "taster"
  resource_group_name = "rg-quay"
  parent_id           = azurerm_user_assigned_identity.gp_harbour_1.id
  issuer              = "https://accounts.google.com"
  subject             = google_service_account.gpw_taster.unique_id
  audience = [
    "api://AzureADTokenExchange",
  ]
}

resource "google_artifact_registry_repository" "models" {
  repository_id = "models"
  location      = "europe-west4"
  format        = "DOCKER"
  labels = {
    "gangplank-bridge" = "harbour"
  }
}

resource "google_project_iam_member" "container_clusterviewer_serviceaccount_gp_cellar" {
  project = "harbour-prod"
  role    = "roles/container.clusterViewer"
  member  = "serviceAccount:${google_service_account.gp_cellar.email}"
}

resource "google_project_iam_member" "container_clusterviewer_serviceaccount_gp_oncology" {
  project = "harbour-prod"
  role    = "roles/container.clusterViewer"
  member  = "serviceAccount:${google_service_account.gp_oncology.email}"
}

resource "google_service_account_iam_member" "gp_cellar_iam_workloadidentityuser_cellar_deployer" {
  service_account_id = google_service_account.gp_cellar.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.bridge.name}/group/Cellar.Deployer"
}

resource "google_service_account_iam_member" "gp_oncology_iam_workloadidentityuser_c3d2e5f4_9d86_403b_9e7a_f42081ac0d03" {
  service_account_id = google_service_account.gp_oncology.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principal://iam.googleapis.com/${google_iam_workload_identity_pool.bridge.name}/subject/c3d2e5f4-9d86-403b-9e7a-f42081ac0d03"
}

resource "google_service_account_iam_member" "gpw_taster_iam_workloadidentityuser_taster_" {
  service_account_id = google_service_account.gpw_taster.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "serviceAccount:harbour-prod.svc.id.goog[wine/taster]"
}

resource "google_artifact_registry_repository_iam_member" "models_artifactregistry_reader_29d8ebfa_f3ec_4691_94d0_5a8647e26309" {
  location   = google_artifact_registry_repository.models.location
  repository = google_artifact_registry_repository.models.name
  role       = "roles/artifactregistry.reader"
  member     = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.bridge.name}/group/29d8ebfa-f3ec-4691-94d0-5a8647e26309"
}

resource "google_artifact_registry_repository_iam_member" "models_artifactregistry_reader_serviceaccount_ship_nodes" {
  location   = google_artifact_registry_repository.models.location
  repository = google_artifact_registry_repository.models.name
  role       = "roles/artifactregistry.reader"
  member     = "serviceAccount:ship-nodes@harbour-prod.iam.gserviceaccount.com"
}

resource "google_artifact_registry_repository_iam_member" "models_artifactregistry_writer_c3d2e5f4_9d86_403b_9e7a_f42081ac0d03" {
  location   = google_artifact_registry_repository.models.location
  repository = google_artifact_registry_repository.models.name
  role       = "roles/artifactregistry.writer"
  member     = "principal://iam.googleapis.com/${google_iam_workload_identity_pool.bridge.name}/subject/c3d2e5f4-9d86-403b-9e7a-f42081ac0d03"
}

resource "google_artifact_registry_repository_iam_member" "models_artifactregistry_writer_cellar_deployer" {
  location   = google_artifact_registry_repository.models.location
  repository = google_artifact_registry_repository.models.name
  role       = "roles/artifactregistry.writer"
  member     = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.bridge.name}/group/Cellar.Deployer"
}

resource "kubernetes_namespace_v1" "oncology" {
  metadata {
    name = "oncology"
    labels = {
      "app.kubernetes.io/managed-by"       = "gangplank"
      "cost-centre"                        = "4711"
      "gangplank.dev/bridge"               = "harbour"
      "gangplank.dev/team"                 = "oncology"
      "pod-security.kubernetes.io/enforce" = "restricted"
      "pod-security.kubernetes.io/warn"    = "restricted"
    }
  }
}

resource "kubernetes_namespace_v1" "wine" {
  metadata {
    name = "wine"
    labels = {
      "app.kubernetes.io/managed-by"       = "gangplank"
      "gangplank.dev/bridge"               = "harbour"
      "gangplank.dev/team"                 = "cellar"
      "pod-security.kubernetes.io/enforce" = "restricted"
      "pod-security.kubernetes.io/warn"    = "restricted"
    }
  }
}

resource "kubernetes_role_v1" "oncology_gangplank_deployer" {
  metadata {
    name      = "gangplank-deployer"
    namespace = kubernetes_namespace_v1.oncology.metadata[0].name
    labels = {
      "app.kubernetes.io/managed-by" = "gangplank"
      "cost-centre"                  = "4711"
      "gangplank.dev/bridge"         = "harbour"
      "gangplank.dev/team"           = "oncology"
    }
  }

  rule {
    api_groups = [
      "apps",
    ]
    resources = [
      "deployments",
    ]
    verbs = [
      "get",
      "list",
      "watch",
      "create",
      "patch",
    ]
  }

  rule {
    api_groups = [
      "",
    ]
    resources = [
      "services",
      "configmaps",
      "serviceaccounts",
    ]
    verbs = [
      "get",
      "list",
      "watch",
      "create",
      "patch",
    ]
  }

  rule {
    api_groups = [
      "autoscaling",
    ]
    resources = [
      "horizontalpodautoscalers",
    ]
    verbs = [
      "get",
      "list",
      "watch",
      "create",
      "patch",
      "delete",
    ]
  }

  rule {
    api_groups = [
      "policy",
    ]
    resources = [
      "poddisruptionbudgets",
    ]
    verbs = [
      "get",
      "list",
      "watch",
      "create",
      "patch",
      "delete",
    ]
  }

  rule {
    api_groups = [
      "networking.k8s.io",
    ]
    resources = [
      "networkpolicies",
    ]
    verbs = [
      "get",
      "list",
      "watch",
      "create",
      "patch",
    ]
  }

  rule {
    api_groups = [
      "apps",
    ]
    resources = [
      "replicasets",
    ]
    verbs = [
      "get",
      "list",
    ]
  }

  rule {
    api_groups = [
      "",
    ]
    resources = [
      "pods",
      "pods/log",
      "events",
    ]
    verbs = [
      "get",
      "list",
    ]
  }

  rule {
    api_groups = [
      "",
    ]
    resources = [
      "services/proxy",
    ]
    verbs = [
      "get",
      "create",
    ]
  }
}

resource "kubernetes_role_v1" "wine_gangplank_deployer" {
  metadata {
    name      = "gangplank-deployer"
    namespace = kubernetes_namespace_v1.wine.metadata[0].name
    labels = {
      "app.kubernetes.io/managed-by" = "gangplank"
      "gangplank.dev/bridge"         = "harbour"
      "gangplank.dev/team"           = "cellar"
    }
  }

  rule {
    api_groups = [
      "apps",
    ]
    resources = [
      "deployments",
    ]
    verbs = [
      "get",
      "list",
      "watch",
      "create",
      "patch",
    ]
  }

  rule {
    api_groups = [
      "",
    ]
    resources = [
      "services",
      "configmaps",
      "serviceaccounts",
    ]
    verbs = [
      "get",
      "list",
      "watch",
      "create",
      "patch",
    ]
  }

  rule {
    api_groups = [
      "autoscaling",
    ]
    resources = [
      "horizontalpodautoscalers",
    ]
    verbs = [
      "get",
      "list",
      "watch",
      "create",
      "patch",
      "delete",
    ]
  }

  rule {
    api_groups = [
      "policy",
    ]
    resources = [
      "poddisruptionbudgets",
    ]
    verbs = [
      "get",
      "list",
      "watch",
      "create",
      "patch",
      "delete",
    ]
  }

  rule {
    api_groups = [
      "networking.k8s.io",
    ]
    resources = [
      "networkpolicies",
    ]
    verbs = [
      "get",
      "list",
      "watch",
      "create",
      "patch",
    ]
  }

  rule {
    api_groups = [
      "apps",
    ]
    resources = [
      "replicasets",
    ]
    verbs = [
      "get",
      "list",
    ]
  }

  rule {
    api_groups = [
      "",
    ]
    resources = [
      "pods",
      "pods/log",
      "events",
    ]
    verbs = [
      "get",
      "list",
    ]
  }

  rule {
    api_groups = [
      "",
    ]
    resources = [
      "services/proxy",
    ]
    verbs = [
      "get",
      "create",
    ]
  }
}

resource "kubernetes_role_binding_v1" "oncology_gangplank_deployer" {
  metadata {
    name      = "gangplank-deployer"
    namespace = kubernetes_namespace_v1.oncology.metadata[0].name
    labels = {
      "app.kubernetes.io/managed-by" = "gangplank"
      "cost-centre"                  = "4711"
      "gangplank.dev/bridge"         = "harbour"
      "gangplank.dev/team"           = "oncology"
    }
  }

  role_ref {
    api_group = "rbac.authorization.k8s.io"
    kind      = "Role"
    name      = "gangplank-deployer"
  }

  subject {
    api_group = "rbac.authorization.k8s.io"
    kind      = "User"
    name      = google_service_account.gp_oncology.email
  }
}

resource "kubernetes_role_binding_v1" "wine_gangplank_deployer" {
  metadata {
    name      = "gangplank-deployer"
    namespace = kubernetes_namespace_v1.wine.metadata[0].name
    labels = {
      "app.kubernetes.io/managed-by" = "gangplank"
      "gangplank.dev/bridge"         = "harbour"
      "gangplank.dev/team"           = "cellar"
    }
  }

  role_ref {
    api_group = "rbac.authorization.k8s.io"
    kind      = "Role"
    name      = "gangplank-deployer"
  }

  subject {
    api_group = "rbac.authorization.k8s.io"
    kind      = "User"
    name      = google_service_account.gp_cellar.email
  }
}

resource "kubernetes_network_policy_v1" "oncology_gangplank_default_deny" {
  metadata {
    name      = "gangplank-default-deny"
    namespace = kubernetes_namespace_v1.oncology.metadata[0].name
    labels = {
      "app.kubernetes.io/managed-by" = "gangplank"
      "cost-centre"                  = "4711"
      "gangplank.dev/bridge"         = "harbour"
      "gangplank.dev/team"           = "oncology"
    }
  }

  spec {
    policy_types = [
      "Ingress",
    ]

    pod_selector {
    }
  }
}

resource "kubernetes_network_policy_v1" "oncology_gangplank_callers" {
  metadata {
    name      = "gangplank-callers"
    namespace = kubernetes_namespace_v1.oncology.metadata[0].name
    labels = {
      "app.kubernetes.io/managed-by" = "gangplank"
      "cost-centre"                  = "4711"
      "gangplank.dev/bridge"         = "harbour"
      "gangplank.dev/team"           = "oncology"
    }
  }

  spec {
    policy_types = [
      "Ingress",
    ]

    pod_selector {
    }

    ingress {
      from {
        pod_selector {
        }
      }

      from {
        namespace_selector {
          match_labels = {
            "kubernetes.io/metadata.name" = "kube-system"
          }
        }

        pod_selector {
          match_labels = {
            "k8s-app" = "konnectivity-agent"
          }
        }
      }

      from {
        namespace_selector {
          match_labels = {
            "kubernetes.io/metadata.name" = "clinic"
          }
        }
      }
    }
  }
}

resource "kubernetes_resource_quota_v1" "oncology_gangplank" {
  metadata {
    name      = "gangplank"
    namespace = kubernetes_namespace_v1.oncology.metadata[0].name
    labels = {
      "app.kubernetes.io/managed-by" = "gangplank"
      "cost-centre"                  = "4711"
      "gangplank.dev/bridge"         = "harbour"
      "gangplank.dev/team"           = "oncology"
    }
  }

  spec {
    hard = {
      "requests.cpu"    = "8"
      "requests.memory" = "16Gi"
      "pods"            = "20"
    }
  }
}

resource "kubernetes_network_policy_v1" "wine_gangplank_default_deny" {
  metadata {
    name      = "gangplank-default-deny"
    namespace = kubernetes_namespace_v1.wine.metadata[0].name
    labels = {
      "app.kubernetes.io/managed-by" = "gangplank"
      "gangplank.dev/bridge"         = "harbour"
      "gangplank.dev/team"           = "cellar"
    }
  }

  spec {
    policy_types = [
      "Ingress",
    ]

    pod_selector {
    }
  }
}

resource "kubernetes_network_policy_v1" "wine_gangplank_callers" {
  metadata {
    name      = "gangplank-callers"
    namespace = kubernetes_namespace_v1.wine.metadata[0].name
    labels = {
      "app.kubernetes.io/managed-by" = "gangplank"
      "gangplank.dev/bridge"         = "harbour"
      "gangplank.dev/team"           = "cellar"
    }
  }

  spec {
    policy_types = [
      "Ingress",
    ]

    pod_selector {
    }

    ingress {
      from {
        pod_selector {
        }
      }

      from {
        namespace_selector {
          match_labels = {
            "kubernetes.io/metadata.name" = "kube-system"
          }
        }

        pod_selector {
          match_labels = {
            "k8s-app" = "konnectivity-agent"
          }
        }
      }
    }
  }
}

resource "kubernetes_service_account_v1" "wine_reader" {
  automount_service_account_token = false

  metadata {
    name      = "reader"
    namespace = kubernetes_namespace_v1.wine.metadata[0].name
    labels = {
      "app.kubernetes.io/managed-by" = "gangplank"
      "gangplank.dev/bridge"         = "harbour"
      "gangplank.dev/team"           = "cellar"
      "gangplank.dev/workload"       = "reader"
    }
    annotations = {
      "azure.workload.identity/client-id" = azurerm_user_assigned_identity.gp_harbour_1.client_id
      "azure.workload.identity/tenant-id" = "0f3a7c1e-5b52-4c8e-9d1a-6f2b8e4d7a10"
    }
  }
}

resource "kubernetes_service_account_v1" "wine_taster" {
  automount_service_account_token = false

  metadata {
    name      = "taster"
    namespace = kubernetes_namespace_v1.wine.metadata[0].name
    labels = {
      "app.kubernetes.io/managed-by" = "gangplank"
      "gangplank.dev/bridge"         = "harbour"
      "gangplank.dev/team"           = "cellar"
      "gangplank.dev/workload"       = "taster"
    }
    annotations = {
      "azure.workload.identity/client-id" = azurerm_user_assigned_identity.gp_harbour_1.client_id
      "azure.workload.identity/tenant-id" = "0f3a7c1e-5b52-4c8e-9d1a-6f2b8e4d7a10"
      "iam.gke.io/gcp-service-account"    = google_service_account.gpw_taster.email
    }
  }
}
