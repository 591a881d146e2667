"""Google's Python clients: google-auth, google-api-python-client, google-cloud-{artifact-registry,iam,resource-manager}."""

import json
import os
import pathlib
import stat
import time

import google.auth
import google.oauth2.credentials
import requests
from clients import ask, at, claims, every, package, refused, shell
from google.api_core import exceptions
from google.auth import identity_pool, impersonated_credentials, pluggable
from google.auth.transport.requests import AuthorizedSession, Request
from googleapiclient import discovery
from googleapiclient.errors import HttpError

WORK = pathlib.Path(os.environ["WITNESS_WORK"])
TENANT = os.environ["AZURE_TENANT_ID"]
PROJECT = "harbour-sandbox"
NUMBER = "412907655821"
PLACE = f"projects/{PROJECT}/locations/europe-west4"
POOL = f"projects/{NUMBER}/locations/global/workloadIdentityPools/witness"
PROVIDER = f"{POOL}/providers/entra"
PUSHER = f"pusher@{PROJECT}.iam.gserviceaccount.com"
CELLAR = "f6a5b8c7-c0b9-436e-81ad-275314bf3006"
PRINCIPAL = f"principal://iam.googleapis.com/{POOL}/subject/{CELLAR}"
SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
SERVICES = {
    "iam": ("v1", "iam"), "sts": ("v1", "sts"), "iamcredentials": ("v1", "iam_credentials"),
    "artifactregistry": ("v1", "artifact_registry"), "container": ("v1", "container"),
    "cloudresourcemanager": ("v3", "cloud_resource_manager"),
}


def administrator():
    """The user of `adc.json`. Loading that file by its name would ask Google itself: this library ignores `token_uri`."""
    log_in = json.loads(pathlib.Path(os.environ["GOOGLE_APPLICATION_CREDENTIALS"]).read_text())
    named = ("refresh_token", "token_uri", "client_id", "client_secret", "quota_project_id")
    return google.oauth2.credentials.Credentials(None, scopes=SCOPES, **{name: log_in[name] for name in named})


def api(name, credentials=None):
    """A service as its discovery document describes it, with the document's own address replaced."""
    version, service = SERVICES[name]
    return discovery.build(
        name, version, credentials=credentials or administrator(), static_discovery=True,
        client_options={"api_endpoint": f"http://{at(service)}"},
    )


def finished(operations, begun):
    """The response of a long-running operation, asked about as gcloud does."""
    for _ in range(20):
        if begun.get("done"):
            return begun.get("response", {})
        begun = operations.get(name=begun["name"]).execute()
        time.sleep(0.05)
    raise AssertionError(f"never done: {begun}")


def entra_application():
    """What `az ad app create`, `az ad sp create` and a client's `az account get-access-token` send."""
    token = pathlib.Path(os.environ["WITNESS_SANDBOX"], "az/graph.token").read_text()
    graph = f"https://{at('graph')}/v1.0"
    with requests.Session() as session:
        session.headers["authorization"] = f"Bearer {token}"
        body = {
            "displayName": "bridge", "identifierUris": [f"api://{TENANT}/bridge"],
            "api": {"requestedAccessTokenVersion": 2}, "signInAudience": "AzureADMyOrg",
        }
        made = session.post(f"{graph}/applications", json=body)
        assert made.status_code == 201, made.text
        query = {"$filter": f"appId eq '{made.json()['appId']}'"}
        found = session.get(f"{graph}/applications", params=query).json()["value"]
        assert len(found) == 1, found
        principal = session.post(f"{graph}/servicePrincipals", json={"appId": found[0]["appId"], "accountEnabled": True})
        assert principal.status_code == 201, principal.text
        listed = session.get(f"{graph}/servicePrincipals", params={"$filter": f"servicePrincipalNames/any(c:c eq '{found[0]['appId']}')"})
        assert listed.status_code == 200, listed.text
    return found[0]["appId"]


def entra_token():
    """cellar-ci's token for the application."""
    log_in = shell("cellar-ci.env")
    form = {
        "grant_type": "client_credentials", "client_id": log_in["AZURE_CLIENT_ID"],
        "client_secret": log_in["AZURE_CLIENT_SECRET"], "scope": f"api://{TENANT}/bridge/.default",
    }
    answer = requests.post(f"https://{at('entra')}/{TENANT}/oauth2/v2.0/token", data=form)
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


def log_in():
    client = package("google-auth")
    ask(client, "application-default credentials of a user", lambda: {
        "kind": type(administrator()).__name__, "project": google.auth.default(scopes=SCOPES)[1]})

    def refresh():
        credentials = administrator()
        credentials.refresh(Request())
        return {"valid": credentials.valid, "quota": credentials.quota_project_id}

    ask(client, "are refreshed", refresh)


def set_up():
    client = package("google-api-python-client")
    iam, projects = api("iam"), api("cloudresourcemanager").projects()
    application = entra_application()
    pools = iam.projects().locations().workloadIdentityPools()
    parent = f"projects/{PROJECT}/locations/global"

    def pool():
        body = {"displayName": "Witness", "description": "made by a witness"}
        begun = pools.create(parent=parent, workloadIdentityPoolId="witness", body=body).execute()
        return finished(pools.operations(), begun)

    ask(client, "iam: a pool is made", pool)

    def provider():
        body = {
            "displayName": "Entra", "attributeMapping": {"google.subject": "assertion.oid"},
            "attributeCondition": f"assertion.tid == '{TENANT}'",
            "oidc": {"issuerUri": f"https://{at('entra')}/{TENANT}/v2.0", "allowedAudiences": [application]},
        }
        begun = pools.providers().create(parent=POOL, workloadIdentityPoolProviderId="entra", body=body).execute()
        made = finished(pools.providers().operations(), begun)
        return {name: made[name] for name in ("name", "state", "attributeMapping", "attributeCondition")}

    ask(client, "iam: a provider is made", provider)
    ask(client, "iam: pools are listed", lambda: [one["name"] for one in pools.list(parent=parent).execute()["workloadIdentityPools"]])
    ask(client, "iam: the provider is read", lambda: pools.providers().get(name=PROVIDER).execute()["state"])

    def changed():
        body = {"description": "changed"}
        begun = pools.patch(name=POOL, updateMask="description", body=body).execute()
        return finished(pools.operations(), begun)["description"]

    ask(client, "iam: the pool is changed", changed)
    ask(client, "iam: a change without a mask is refused", lambda: refused(
        lambda: pools.patch(name=POOL, body={"description": "x"}).execute(), HttpError))
    ask(client, "iam: the same pool again is refused", lambda: refused(pool, HttpError))

    def deleted():
        finished(pools.providers().operations(), pools.providers().delete(name=PROVIDER).execute())
        shown = pools.providers().get(name=PROVIDER).execute()
        finished(pools.providers().operations(), pools.providers().undelete(name=PROVIDER, body={}).execute())
        return [shown["state"], "expireTime" in shown, pools.providers().get(name=PROVIDER).execute()["state"]]

    ask(client, "iam: the provider is deleted and undeleted", deleted)
    accounts = iam.projects().serviceAccounts()
    ask(client, "iam: a service account is made", lambda: accounts.create(
        name=f"projects/{PROJECT}", body={"accountId": "pusher", "serviceAccount": {"displayName": "Pusher", "description": "x"}}
    ).execute()["email"])
    account = f"projects/{PROJECT}/serviceAccounts/{PUSHER}"
    ask(client, "iam: it is read and listed", lambda: [
        accounts.get(name=account).execute()["email"],
        [one["email"] for one in accounts.list(name=f"projects/{PROJECT}").execute()["accounts"]],
    ])
    ask(client, "iam: it is changed", lambda: accounts.patch(
        name=account, body={"serviceAccount": {"description": "pushes"}, "updateMask": "description"}
    ).execute()["description"])

    def impersonable():
        policy = accounts.getIamPolicy(resource=account).execute()
        roles = ("roles/iam.serviceAccountTokenCreator", "roles/iam.workloadIdentityUser")
        policy["bindings"] = [{"role": role, "members": [PRINCIPAL, host_principal(), "user:admin@harbour.example"]} for role in roles]
        accounts.setIamPolicy(resource=account, body={"policy": policy}).execute()
        return accounts.getIamPolicy(resource=account).execute()["bindings"]

    ask(client, "iam: who may act as it", impersonable)

    def stale():
        policy = {"etag": "BwAAAAAAAAA=", "bindings": []}
        accounts.setIamPolicy(resource=account, body={"policy": policy}).execute()

    ask(client, "iam: a policy with an old etag is refused", lambda: refused(stale, HttpError))
    ask(client, "cloudresourcemanager: the project is read", lambda: {
        name: value for name, value in projects.get(name=f"projects/{PROJECT}").execute().items()
        if name in ("name", "projectId", "state")
    })

    def project_policy():
        resource = f"projects/{PROJECT}"
        policy = projects.getIamPolicy(resource=resource, body={"options": {"requestedPolicyVersion": 3}}).execute()
        policy["version"] = 3
        policy["bindings"].append({"role": "roles/container.clusterViewer", "members": [f"serviceAccount:{PUSHER}"]})
        return projects.setIamPolicy(resource=resource, body={"policy": policy}).execute()["bindings"]

    ask(client, "cloudresourcemanager: a binding is added to its policy", project_policy)
    ask(client, "cloudresourcemanager: what the administrator may do", lambda: projects.testIamPermissions(
        resource=f"projects/{PROJECT}",
        body={"permissions": ["iam.workloadIdentityPools.create", "artifactregistry.repositories.create"]},
    ).execute())

    repositories = api("artifactregistry").projects().locations().repositories()
    operations = api("artifactregistry").projects().locations().operations()

    def repository():
        body = {"format": "DOCKER", "description": "Models", "labels": {"made-by": "witness"}}
        begun = repositories.create(parent=PLACE, repositoryId="models", body=body).execute()
        made = finished(operations, begun)
        return {name: made[name] for name in ("name", "format", "labels", "mode")}

    ask(client, "artifactregistry: a repository is made", repository)
    ask(client, "artifactregistry: the same again is refused", lambda: refused(repository, HttpError))

    def writer():
        resource = f"{PLACE}/repositories/models"
        policy = repositories.getIamPolicy(resource=resource).execute()
        policy["bindings"] = [{"role": "roles/artifactregistry.writer", "members": [f"serviceAccount:{PUSHER}"]}]
        return repositories.setIamPolicy(resource=resource, body={"policy": policy}).execute()["bindings"]

    ask(client, "artifactregistry: who may push to it", writer)
    ask(client, "artifactregistry: it is changed", lambda: repositories.patch(
        name=f"{PLACE}/repositories/models", updateMask="description", body={"description": "Packed models"}
    ).execute()["description"])
    ask(client, "container: a cluster is read", lambda: {
        name: value for name, value in api("container").projects().locations().clusters().get(
            name=f"{PLACE}/clusters/ship").execute().items()
        if name in ("name", "location", "status", "workloadIdentityConfig")
    })
    ask(client, "container: an absent cluster is refused", lambda: refused(
        lambda: api("container").projects().locations().clusters().get(name=f"{PLACE}/clusters/none").execute(), HttpError))


def configuration(source, **more):
    return {
        "type": "external_account", "audience": f"//iam.googleapis.com/{PROVIDER}",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"http://{at('sts')}/v1/token", "credential_source": source, **more,
    }


def impersonating(email):
    return {
        "service_account_impersonation_url":
            f"http://{at('iam_credentials')}/v1/projects/-/serviceAccounts/{email}:generateAccessToken",
        "service_account_impersonation": {"token_lifetime_seconds": 1200},
    }


def used(credentials):
    """What a token may do: it reads the repository's list with it."""
    answer = AuthorizedSession(credentials).get(f"http://{at('artifact_registry')}/v1/{PLACE}/repositories/models")
    return {"kind": type(credentials).__name__, "status": answer.status_code, "name": answer.json().get("name")}


def host_token():
    """The URL where a machine's managed identity gets a token for the application, as google-auth asks it."""
    resource = f"api://{TENANT}/bridge"
    return f"http://{at('instance_metadata')}/metadata/identity/oauth2/token?api-version=2018-02-01&resource={resource}"


def host_principal():
    """The managed identity as the pool sees it."""
    answer = requests.get(host_token(), headers={"Metadata": "true"})
    assert answer.status_code == 200, answer.text
    return f"principal://iam.googleapis.com/{POOL}/subject/{claims(answer.json()['access_token'])['oid']}"


def federation():
    client = package("google-auth")
    token = entra_token()
    ask(client, "the token to be exchanged", lambda: sorted(claims(token)))
    file = WORK / "subject-token"
    file.write_text(token)
    script = WORK / "executable"
    answer = {
        "version": 1, "success": True, "token_type": "urn:ietf:params:oauth:token-type:jwt", "id_token": token,
        "expiration_time": int(time.time()) + 3000,
    }
    script.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(answer)}\nEND\n")
    script.chmod(stat.S_IRWXU)
    os.environ["GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES"] = "1"
    sources = {
        "file": {"file": str(file)},
        "url": {
            "url": host_token(), "headers": {"Metadata": "true"},
            "format": {"type": "json", "subject_token_field_name": "access_token"},
        },
        "executable": {"executable": {"command": str(script), "timeout_millis": 5000}},
    }
    for name, source in sources.items():
        path = WORK / f"{name}.json"
        path.write_text(json.dumps(configuration(source, **impersonating(PUSHER))))
        kind = pluggable.Credentials if name == "executable" else identity_pool.Credentials
        ask(client, f"external account, source {name}, impersonating", lambda: used(
            kind.from_file(str(path), scopes=SCOPES)))

    class Supplier(identity_pool.SubjectTokenSupplier):
        def get_subject_token(self, context, request):
            return token

    direct = identity_pool.Credentials(
        audience=f"//iam.googleapis.com/{PROVIDER}", subject_token_type="urn:ietf:params:oauth:token-type:jwt",
        token_url=f"http://{at('sts')}/v1/token", subject_token_supplier=Supplier(), scopes=SCOPES,
    )
    ask(client, "external account, token supplied, direct: no grant, no reading", lambda: used(direct))
    wrong = {**configuration({"file": str(file)}), "audience": f"//iam.googleapis.com/{POOL}/providers/nobody"}
    ask(client, "an absent provider is refused", lambda: refused(
        lambda: used(identity_pool.Credentials.from_info(wrong, scopes=SCOPES)), google.auth.exceptions.OAuthError))
    (WORK / "not-a-token").write_text("not a token")
    garbage = configuration({"file": str(WORK / "not-a-token")})
    ask(client, "what is no token is refused", lambda: refused(
        lambda: used(identity_pool.Credentials.from_info(garbage, scopes=SCOPES)), google.auth.exceptions.OAuthError))
    nobody = configuration({"file": str(file)}, **impersonating(f"nobody@{PROJECT}.iam.gserviceaccount.com"))
    ask(client, "impersonating nobody is refused", lambda: refused(
        lambda: used(identity_pool.Credentials.from_info(nobody, scopes=SCOPES)), google.auth.exceptions.RefreshError))
    source = administrator()
    endpoint = f"http://{at('iam_credentials')}/v1/projects/-/serviceAccounts/{PUSHER}:generateAccessToken"
    ask(client, "the administrator impersonates", lambda: used(impersonated_credentials.Credentials(
        source, PUSHER, SCOPES, lifetime=600, iam_endpoint_override=endpoint)))
    exchange = api("sts", google.auth.credentials.AnonymousCredentials()).v1()
    body = {
        "grantType": "urn:ietf:params:oauth:grant-type:token-exchange", "audience": f"//iam.googleapis.com/{PROVIDER}",
        "requestedTokenType": "urn:ietf:params:oauth:token-type:access_token", "scope": SCOPES[0],
        "subjectToken": token, "subjectTokenType": "urn:ietf:params:oauth:token-type:jwt",
    }
    ask(package("google-api-python-client"), "sts: a token is exchanged, with a JSON body", lambda: {
        name: value for name, value in exchange.token(body=body).execute().items()
        if name in ("token_type", "issued_token_type")
    })
    accounts = api("iamcredentials").projects().serviceAccounts()
    ask(package("google-api-python-client"), "iamcredentials: a token is generated", lambda: sorted(
        accounts.generateAccessToken(
            name=f"projects/-/serviceAccounts/{PUSHER}", body={"scope": SCOPES, "lifetime": "300s"}).execute()))
    ask(package("google-api-python-client"), "iamcredentials: twelve hours are refused", lambda: refused(
        lambda: accounts.generateAccessToken(
            name=f"projects/-/serviceAccounts/{PUSHER}", body={"scope": SCOPES, "lifetime": "43200s"}).execute(),
        HttpError))


def client_libraries():
    from google.cloud import artifactregistry_v1 as registry
    from google.cloud import container_v1 as container
    from google.cloud import iam_credentials_v1 as iam
    from google.cloud import resourcemanager_v3 as manager
    from google.cloud.artifactregistry_v1.services.artifact_registry.transports import ArtifactRegistryRestTransport
    from google.cloud.container_v1.services.cluster_manager.transports import ClusterManagerRestTransport
    from google.cloud.iam_credentials_v1.services.iam_credentials.transports import IAMCredentialsRestTransport
    from google.cloud.resourcemanager_v3.services.projects.transports import ProjectsRestTransport

    def over(transport, service):
        return transport(host=at(service), credentials=administrator(), url_scheme="http")

    client = package("google-cloud-artifact-registry")
    repositories = registry.ArtifactRegistryClient(transport=over(ArtifactRegistryRestTransport, "artifact_registry"))

    def made():
        wanted = registry.Repository(format_=registry.Repository.Format.DOCKER, labels={"a": "b"})
        operation = repositories.create_repository(parent=PLACE, repository=wanted, repository_id="other")
        found = operation.result(timeout=20)
        return {"name": found.name, "format": found.format_.name, "created": type(found.create_time).__name__}

    ask(client, "a repository is made, and its operation waited for", made)
    ask(client, "repositories are listed", lambda: [one.name for one in repositories.list_repositories(parent=PLACE)])
    ask(client, "one is read", lambda: repositories.get_repository(name=f"{PLACE}/repositories/models").description)
    ask(client, "its images", lambda: len(list(repositories.list_docker_images(parent=f"{PLACE}/repositories/models"))))
    ask(client, "an absent one is refused", lambda: refused(
        lambda: repositories.get_repository(name=f"{PLACE}/repositories/none"), exceptions.NotFound))
    ask(client, "one is deleted", lambda: repositories.delete_repository(
        name=f"{PLACE}/repositories/other").result(timeout=20) is not None)
    ask(client, "its policy", lambda: [
        [binding.role, list(binding.members)]
        for binding in repositories.get_iam_policy(request={"resource": f"{PLACE}/repositories/models"}).bindings])
    client = package("google-cloud-container")
    clusters = container.ClusterManagerClient(transport=over(ClusterManagerRestTransport, "container"))
    ask(client, "a cluster", lambda: {
        "status": clusters.get_cluster(name=f"{PLACE}/clusters/ship").status.name,
        "endpoint": clusters.get_cluster(name=f"{PLACE}/clusters/ship").endpoint,
    })
    ask(client, "clusters are listed", lambda: [
        one.name for one in clusters.list_clusters(parent=f"projects/{PROJECT}/locations/-").clusters])
    client = package("google-cloud-iam")
    tokens = iam.IAMCredentialsClient(transport=over(IAMCredentialsRestTransport, "iam_credentials"))
    ask(client, "a token is generated", lambda: tokens.generate_access_token(
        name=f"projects/-/serviceAccounts/{PUSHER}", scope=SCOPES).expire_time is not None)
    client = package("google-cloud-resource-manager")
    projects = manager.ProjectsClient(transport=over(ProjectsRestTransport, "cloud_resource_manager"))
    ask(client, "the project", lambda: {
        "id": projects.get_project(name=f"projects/{PROJECT}").project_id,
        "state": projects.get_project(name=f"projects/{PROJECT}").state.name,
    })
    ask(client, "its policy", lambda: sorted(
        binding.role for binding in projects.get_iam_policy(resource=f"projects/{PROJECT}").bindings))


every(__file__, log_in, set_up, federation, client_libraries)
