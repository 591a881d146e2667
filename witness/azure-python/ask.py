"""Microsoft's Python clients: azure-identity, msgraph-sdk, azure-mgmt-authorization, azure-storage-blob, azure-ai-ml,
azure-containerregistry."""

import asyncio
import hashlib
import io
import json
import logging
import os
import pathlib
import uuid

from clients import ask, at, claims, every, package, refused, shell

logging.disable(logging.CRITICAL)

import azure.identity as identity
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError

TENANT = os.environ["AZURE_TENANT_ID"]
ENTRA = f"https://{at('entra')}"
MANAGER = f"https://{at('resource_manager')}"
MANAGEMENT = "https://management.azure.com/.default"
SUBSCRIPTION = "7d9b2f40-1c3e-4a5d-8b6f-2e0c9a8d5b31"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-quay"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/quay"
CONTAINER = (
    f"{GROUP}/providers/Microsoft.Storage/storageAccounts/quaystore/blobServices/default/containers/"
    "azureml-blobstore-quay"
)
CONTAINER_REGISTRY = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/quayacr"
CELLAR = "f6a5b8c7-c0b9-436e-81ad-275314bf3006"
REGISTRY = "https://quayacr.azurecr.io/"
HERE = {"authority": ENTRA, "disable_instance_discovery": True}


def secret(of="cellar-ci", value=None, tenant=TENANT):
    log_in = shell(f"{of}.env")
    value = value or log_in["AZURE_CLIENT_SECRET"]
    return identity.ClientSecretCredential(tenant, log_in["AZURE_CLIENT_ID"], value, **HERE)


def tokens():
    client = package("azure-identity")
    file = os.environ["AZURE_FEDERATED_TOKEN_FILE"]
    application = os.environ["AZURE_CLIENT_ID"]

    def read():
        return pathlib.Path(file).read_text().strip()

    ways = {
        "ClientSecretCredential": secret(),
        "ClientAssertionCredential": identity.ClientAssertionCredential(TENANT, application, read, **HERE),
        "WorkloadIdentityCredential": identity.WorkloadIdentityCredential(**HERE),
        "DefaultAzureCredential, from the environment": identity.DefaultAzureCredential(**HERE),
        "AzureCliCredential, from the sandbox's az": identity.AzureCliCredential(),
    }
    for name, way in ways.items():
        ask(client, f"{name}: a token for Resource Manager", lambda: claims(way.get_token(MANAGEMENT).token))
    ask(client, "ClientSecretCredential: get_token_info", lambda: secret().get_token_info(MANAGEMENT).token_type)
    for name, act in {
        "a wrong secret": lambda: secret(value="wrong").get_token(MANAGEMENT),
        "an unknown tenant": lambda: secret(tenant=str(uuid.UUID(int=1))).get_token(MANAGEMENT),
        "an unknown resource": lambda: secret().get_token("api://nobody/.default"),
        "an assertion that is no token": lambda: identity.ClientAssertionCredential(
            TENANT, application, lambda: "x.y.z", **HERE
        ).get_token(MANAGEMENT),
    }.items():
        ask(client, f"{name} is refused", lambda: refused(act, ClientAuthenticationError))


def directory():
    asyncio.run(graph())


def machines():
    """Log-ins that a machine or a job gives: managed identity in its two forms, and a certificate."""
    client = package("azure-identity")

    def inside(log_in, question, act):
        before = dict(os.environ)
        for name in ("AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"):
            os.environ.pop(name, None)
        os.environ.update(shell(log_in))
        try:
            ask(client, question, act)
        finally:
            os.environ.clear()
            os.environ.update(before)

    def managed(**of):
        return claims(identity.ManagedIdentityCredential(**of).get_token(MANAGEMENT).token)

    trainer = shell("trainer.env")["AZURE_CLIENT_ID"]
    inside("hold.env", "ManagedIdentityCredential, instance metadata, system-assigned", managed)
    inside("trainer.env", "ManagedIdentityCredential, instance metadata, user-assigned", lambda: managed(client_id=trainer))
    inside("hold-app-service.env", "ManagedIdentityCredential, App Service", managed)
    inside("hold-app-service.env", "ManagedIdentityCredential, App Service, user-assigned", lambda: managed(client_id=trainer))
    inside("hold-job.env", "ManagedIdentityCredential, an Azure ML job", lambda: managed(client_id=trainer))
    inside("hold.env", "an identity that the machine does not have is refused", lambda: refused(
        lambda: managed(client_id=str(uuid.UUID(int=5))), ClientAuthenticationError))
    inside("certificate-ci.env", "CertificateCredential", lambda: claims(identity.CertificateCredential(
        TENANT, os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_CLIENT_CERTIFICATE_PATH"], **HERE
    ).get_token(MANAGEMENT).token))


async def graph():
    from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
    from msgraph import GraphRequestAdapter, GraphServiceClient
    from msgraph.generated.models.app_role import AppRole
    from msgraph.generated.models.app_role_assignment import AppRoleAssignment
    from msgraph.generated.models.application import Application
    from msgraph.generated.models.api_application import ApiApplication
    from msgraph.generated.models.federated_identity_credential import FederatedIdentityCredential
    from msgraph.generated.models.o_data_errors.o_data_error import ODataError
    from msgraph.generated.models.service_principal import ServicePrincipal
    from azure.identity.aio import AzureCliCredential

    client = package("msgraph-sdk")
    credential = AzureCliCredential()
    log_in = AzureIdentityAuthenticationProvider(
        credential, scopes=["https://graph.microsoft.com/.default"], allowed_hosts=[at("graph").split(":")[0], at("graph")]
    )
    adapter = GraphRequestAdapter(log_in)
    adapter.base_url = f"https://{at('graph')}/v1.0"
    graph = GraphServiceClient(request_adapter=adapter)
    role = uuid.UUID("9f0c1d2e-3a4b-4c5d-8e6f-708192a3b4c5")

    async def answer(question, act):
        found = await act
        ask(client, question, lambda: found)
        return found

    async def create():
        wanted = Application(
            display_name="witness",
            sign_in_audience="AzureADMyOrg",
            identifier_uris=[f"api://{TENANT}/witness"],
            api=ApiApplication(requested_access_token_version=2),
            app_roles=[
                AppRole(
                    id=role, value="Witness.Read", display_name="Read", description="Reads.",
                    allowed_member_types=["Application"], is_enabled=True,
                )
            ],
        )
        made = await graph.applications.post(wanted)
        found = await graph.applications.by_application_id(made.id).get()
        assert (found.id, found.app_id) == (made.id, made.app_id)
        shown = {
            "display_name": found.display_name, "identifier_uris": found.identifier_uris,
            "version": found.api.requested_access_token_version, "roles": [r.value for r in found.app_roles],
            "created": type(found.created_date_time).__name__,
        }
        return made, shown

    made, shown = await create()
    ask(client, "an application is made and read", lambda: shown)
    principal = await graph.service_principals.post(ServicePrincipal(app_id=made.app_id))
    ask(client, "its service principal is made", lambda: {
        "type": principal.service_principal_type, "roles": [r.value for r in principal.app_roles],
        "same application": principal.app_id == made.app_id,
    })

    async def federate():
        wanted = FederatedIdentityCredential(
            name="pod", issuer="https://issuer.example", subject="system:serviceaccount:a:b",
            audiences=["api://AzureADTokenExchange"], description="A pod.",
        )
        below = graph.applications.by_application_id(made.id).federated_identity_credentials
        await below.post(wanted)
        listed = await below.get()
        return [[one.name, one.issuer, one.subject, one.audiences] for one in listed.value]

    await answer("a federated credential is made and listed", federate())

    async def assign():
        body = AppRoleAssignment(principal_id=uuid.UUID(CELLAR), resource_id=uuid.UUID(principal.id), app_role_id=role)
        await graph.service_principals.by_service_principal_id(principal.id).app_role_assigned_to.post(body)
        listed = await graph.service_principals.by_service_principal_id(CELLAR).app_role_assignments.get()
        return [[one.principal_display_name, one.resource_display_name, str(one.app_role_id)] for one in listed.value]

    await answer("a role of it is given to cellar-ci", assign())
    token = secret().get_token(f"api://{TENANT}/witness/.default").token
    ask(package("azure-identity"), "cellar-ci's token for it has the role and version 2", lambda: {
        name: value for name, value in claims(token).items() if name in ("roles", "ver", "azp", "oid")
    })

    async def filtered():
        from kiota_abstractions.base_request_configuration import RequestConfiguration
        from msgraph.generated.applications.applications_request_builder import ApplicationsRequestBuilder

        query = ApplicationsRequestBuilder.ApplicationsRequestBuilderGetQueryParameters(
            filter="displayName eq 'witness'", select=["id", "appId", "displayName"], top=5
        )
        found = await graph.applications.get(RequestConfiguration(query_parameters=query))
        return [one.display_name for one in found.value]

    await answer("applications are found by $filter, with $select and $top", filtered())

    async def group():
        return (await graph.groups.by_group_id("3ad9fc0b-04fd-47a2-a5e1-6b97f358e410").get()).display_name

    await answer("a group by its id", group())

    async def missing():
        try:
            await graph.applications.by_application_id(str(uuid.UUID(int=7))).get()
        except ODataError as error:
            return {"status": error.response_status_code, "code": error.error.code, "says": error.error.message}
        raise AssertionError("found")

    await answer("an absent application is refused", missing())

    async def removed():
        await graph.applications.by_application_id(made.id).delete()
        left = await graph.applications.get()
        return "witness" in [one.display_name for one in left.value]

    await answer("the application is removed, and listed no more", removed())
    await credential.close()


def roles():
    from azure.mgmt.authorization import AuthorizationManagementClient
    from azure.mgmt.authorization.models import RoleAssignmentCreateParameters

    client = package("azure-mgmt-authorization")
    manager = AuthorizationManagementClient(
        identity.AzureCliCredential(), SUBSCRIPTION, base_url=MANAGER, credential_scopes=[MANAGEMENT]
    )

    def definition(name):
        found = list(manager.role_definitions.list(WORKSPACE, filter=f"roleName eq '{name}'"))
        assert len(found) == 1, found
        return found[0]

    def give(name, scope, as_name):
        body = RoleAssignmentCreateParameters(
            role_definition_id=definition(name).id, principal_id=CELLAR, principal_type="ServicePrincipal"
        )
        made = manager.role_assignments.create(scope, as_name, body)
        return {"scope": made.scope, "principal": made.principal_id, "type": made.principal_type}

    ask(client, "a role's definition by name", lambda: {
        "type": definition("Storage Blob Data Reader").role_type,
        "data actions": definition("Storage Blob Data Reader").permissions[0].data_actions,
    })
    ask(client, "the workspace's models may be read by cellar-ci", lambda: give(
        "AzureML Data Scientist", WORKSPACE, "0a1b2c3d-0000-4000-8000-000000000001"))
    ask(client, "the container may be read by cellar-ci", lambda: give(
        "Storage Blob Data Reader", CONTAINER, "0a1b2c3d-0000-4000-8000-000000000002"))
    ask(client, "the registry may be pushed to by cellar-ci", lambda: give(
        "AcrPush", CONTAINER_REGISTRY, "0a1b2c3d-0000-4000-8000-000000000004"))
    ask(client, "the same again is a conflict", lambda: refused(lambda: give(
        "Storage Blob Data Reader", CONTAINER, "0a1b2c3d-0000-4000-8000-000000000003"), HttpResponseError))
    ask(client, "assignments at a scope, by principal", lambda: sorted(
        one.scope for one in manager.role_assignments.list_for_scope(WORKSPACE, filter=f"principalId eq '{CELLAR}'")))


def blobs():
    from azure.storage.blob import BlobServiceClient

    client = package("azure-storage-blob")
    account = f"https://{at('blob')}/quaystore"
    container = BlobServiceClient(account, credential=secret()).get_container_client("azureml-blobstore-quay")
    denied = BlobServiceClient(account, credential=secret("stranger")).get_container_client("azureml-blobstore-quay")

    def names(**filters):
        return [[blob.name.split("/", 2)[-1], blob.size, blob.blob_type] for blob in container.list_blobs(**filters)]

    ask(client, "all blobs, in pages of three", lambda: names(results_per_page=3))
    ask(client, "the folders at the top", lambda: [type(one).__name__ for one in container.walk_blobs()])
    first = next(blob.name for blob in container.list_blobs() if blob.name.endswith("model.onnx"))
    blob = container.get_blob_client(first)
    properties = blob.get_blob_properties()

    def whole():
        read = blob.download_blob(max_concurrency=2).readall()
        return {"size": len(read), "sha256": hashlib.sha256(read).hexdigest(), "as told": len(read) == properties.size}

    ask(client, "a blob is read", whole)
    ask(client, "a piece of it", lambda: len(blob.download_blob(offset=10, length=20).readall()))
    ask(client, "its properties", lambda: {
        "type": properties.blob_type, "tier": properties.blob_tier, "lease": properties.lease.status,
        "modified": properties.last_modified,
    })
    ask(client, "it exists, another does not", lambda: [
        blob.exists(), container.get_blob_client("no/such").exists()])
    ask(client, "an absent blob is refused", lambda: refused(
        lambda: container.get_blob_client("no/such").download_blob(), ResourceNotFoundError))
    ask(client, "a stranger is refused", lambda: refused(
        lambda: list(denied.list_blobs()), HttpResponseError))


def models():
    from azure.ai.ml import MLClient

    loopback("https://quaystore.blob.core.windows.net/", f"https://{at('blob')}/quaystore/")
    client = package("azure-ai-ml")
    os.environ["AZUREML_DEV_URL_MFE"] = MANAGER

    def ml(credential):
        return MLClient(credential, SUBSCRIPTION, "rg-quay", "quay", enable_telemetry=False)

    cellar = ml(secret())
    ask(client, "models", lambda: sorted(model.name for model in cellar.models.list()))
    ask(client, "versions of one", lambda: [
        [model.version, model.tags, model.type] for model in cellar.models.list(name="breast-cancer")])
    ask(client, "one version", lambda: {
        "name": cellar.models.get("Wine_Cultivar", version="2").name,
        "path": cellar.models.get("Wine_Cultivar", version="2").path.split("/paths/")[0],
        "created": cellar.models.get("Wine_Cultivar", version="2").creation_context.created_by,
    })
    ask(client, "the latest by label", lambda: cellar.models.get("breast-cancer", label="latest").version)
    ask(client, "the default datastore", lambda: {
        "name": cellar.datastores.get_default().name, "type": str(cellar.datastores.get_default().type),
        "account": cellar.datastores.get_default().account_name,
    })

    def download():
        place = pathlib.Path(os.environ["WITNESS_WORK"]) / "download"
        cellar.models.download("breast-cancer", "2", download_path=place)
        files = sorted(path for path in place.rglob("*") if path.is_file())
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    ask(client, "a version is downloaded", download)
    ask(client, "an absent version is refused", lambda: refused(
        lambda: cellar.models.get("breast-cancer", version="99"), ResourceNotFoundError))
    ask(client, "a stranger is refused", lambda: refused(
        lambda: ml(secret("stranger")).models.get("breast-cancer", version="1"), HttpResponseError))


def registries():
    from azure.containerregistry import ContainerRegistryClient

    loopback(REGISTRY, f"http://{at('acr')}/")
    client = package("azure-containerregistry")

    def registry(credential):
        return ContainerRegistryClient(REGISTRY, credential, audience="https://containerregistry.azure.net")

    quay = registry(secret())
    names = list(quay.list_repository_names())
    name = names[0]
    ask(client, "repositories", lambda: names)
    ask(client, "one repository", lambda: {
        "name": quay.get_repository_properties(name).name,
        "manifests": quay.get_repository_properties(name).manifest_count,
        "tags": quay.get_repository_properties(name).tag_count,
        "may be deleted": quay.get_repository_properties(name).can_delete,
    })
    ask(client, "its tags", lambda: [[tag.name, tag.digest] for tag in quay.list_tag_properties(name)])
    ask(client, "its manifests", lambda: [
        [found.digest, found.size_in_bytes, found.tags] for found in quay.list_manifest_properties(name)])
    tag = next(iter(quay.list_tag_properties(name)))
    ask(client, "a manifest by its tag", lambda: quay.get_manifest_properties(name, tag.name).digest)
    ask(client, "an absent tag is refused", lambda: refused(
        lambda: quay.get_tag_properties(name, "no-such"), ResourceNotFoundError))
    manifest = quay.get_manifest(name, tag.name)

    def whole(layer):
        read = b"".join(quay.download_blob(name, layer["digest"]))
        return hashlib.sha256(read).hexdigest() == layer["digest"].removeprefix("sha256:")

    ask(client, "the manifest, byte for byte", lambda: [manifest.digest, manifest.media_type])
    ask(client, "its layers, by their digests", lambda: [whole(layer) for layer in manifest.manifest["layers"]])

    def pushed():
        config, config_size = quay.upload_blob("witness/python", io.BytesIO(b"{}"))
        layer, size = quay.upload_blob("witness/python", io.BytesIO(b"a layer" * 1000))
        kind = "application/vnd.oci.image"
        return quay.set_manifest("witness/python", {
            "schemaVersion": 2, "mediaType": f"{kind}.manifest.v1+json",
            "config": {"mediaType": f"{kind}.config.v1+json", "digest": config, "size": config_size},
            "layers": [{"mediaType": f"{kind}.layer.v1.tar", "digest": layer, "size": size}],
        }, tag="v1", media_type=f"{kind}.manifest.v1+json")

    ask(client, "an image is pushed", pushed)
    ask(client, "and read again", lambda: json.loads(json.dumps(quay.get_manifest("witness/python", "v1").manifest)))
    ask(client, "deleting it is refused without the role", lambda: refused(
        lambda: quay.delete_manifest("witness/python", "v1"), HttpResponseError)["refused"])
    ask(client, "a stranger is refused", lambda: refused(
        lambda: list(registry(secret("stranger")).list_repository_names()), HttpResponseError))


def loopback(public, sandbox):
    """Sends requests for an address of Azure's to the sandbox: what a hosts file would do."""
    import requests.adapters

    send = requests.adapters.HTTPAdapter.send

    def redirected(adapter, request, **options):
        if request.url.startswith(public):
            request.url = request.url.replace(public, sandbox, 1)
        return send(adapter, request, **options)

    requests.adapters.HTTPAdapter.send = redirected


every(__file__, tokens, machines, directory, roles, blobs, models, registries)
