// Both clouds' JavaScript clients: @azure/identity, @azure/storage-blob, google-auth-library. Run from the folder that holds
// its packages; the first argument is the folder for the answers.

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import {
  AzureCliCredential,
  ClientAssertionCredential,
  ClientSecretCredential,
  ManagedIdentityCredential,
  WorkloadIdentityCredential,
} from "@azure/identity";
import { BlobServiceClient } from "@azure/storage-blob";
import { ExternalAccountClient, IdentityPoolClient, Impersonated, UserRefreshClient } from "google-auth-library";

const SANDBOX = process.env.WITNESS_SANDBOX;
const ADDRESSES = JSON.parse(readFileSync(join(SANDBOX, "addresses.json")));
const TENANT = process.env.AZURE_TENANT_ID;
const MANAGEMENT = "https://management.azure.com/.default";
const SUBSCRIPTION = "/subscriptions/7d9b2f40-1c3e-4a5d-8b6f-2e0c9a8d5b31";
const CONTAINER =
  `${SUBSCRIPTION}/resourceGroups/rg-quay/providers/Microsoft.Storage/storageAccounts/quaystore/blobServices/default/` +
  "containers/azureml-blobstore-quay";
const BLOB_READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1";
const CELLAR = "f6a5b8c7-c0b9-436e-81ad-275314bf3006";
const PROJECT = "harbour-sandbox";
const POOL = "projects/412907655821/locations/global/workloadIdentityPools/witness";
const PUSHER = `pusher@${PROJECT}.iam.gserviceaccount.com`;
const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
const HERE = { authorityHost: `https://${ADDRESSES.entra}`, disableInstanceDiscovery: true };

const answers = [];

function version(name) {
  return `${name} ${JSON.parse(readFileSync(join("node_modules", name, "package.json"))).version}`;
}

function scrubbed(text) {
  for (const [service, address] of Object.entries(ADDRESSES)) text = text.replaceAll(address, `\${address:${service}}`);
  return text
    .replaceAll(/(?<=Trace ID: |ation ID: )[0-9a-f-]{36}/g, "${any}")
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?/g, "${time}");
}

async function ask(client, question, act) {
  console.error(`${client}: ${question}`);
  const answer = JSON.parse(scrubbed(JSON.stringify((await act()) ?? null)));
  answers.push({ client, question, answer });
}

async function refused(act) {
  try {
    await act();
  } catch (error) {
    return { refused: error.name, says: error.message.split("\n")[0].slice(0, 300) };
  }
  throw new Error("expected a refusal");
}

function shell(name) {
  const lines = readFileSync(join(SANDBOX, name), "utf8");
  return Object.fromEntries([...lines.matchAll(/^export (\w+)='([^']*)'/gm)].map((found) => [found[1], found[2]]));
}

function claims(token) {
  const found = JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
  const kept = ["aud", "iss", "oid", "sub", "appid", "azp", "tid", "ver", "idtyp"];
  return Object.fromEntries(kept.filter((name) => name in found).map((name) => [name, found[name]]));
}

function secret(of = "cellar-ci", value) {
  const { AZURE_CLIENT_ID, AZURE_CLIENT_SECRET } = shell(`${of}.env`);
  return new ClientSecretCredential(TENANT, AZURE_CLIENT_ID, value ?? AZURE_CLIENT_SECRET, HERE);
}

async function azureTokens() {
  const client = version("@azure/identity");
  const file = process.env.AZURE_FEDERATED_TOKEN_FILE;
  const application = process.env.AZURE_CLIENT_ID;
  const read = async () => readFileSync(file, "utf8").trim();
  const ways = {
    ClientSecretCredential: secret(),
    ClientAssertionCredential: new ClientAssertionCredential(TENANT, application, read, HERE),
    WorkloadIdentityCredential: new WorkloadIdentityCredential(HERE),
    "AzureCliCredential, from the sandbox's az": new AzureCliCredential(),
  };
  for (const [name, way] of Object.entries(ways)) {
    await ask(client, `${name}: a token for Resource Manager`, async () => claims((await way.getToken(MANAGEMENT)).token));
  }
  const { IDENTITY_ENDPOINT, IDENTITY_HEADER } = shell("hold-app-service.env");
  // With a token file in the environment, this class would use that.
  const before = { ...process.env };
  delete process.env.AZURE_FEDERATED_TOKEN_FILE;
  delete process.env.AZURE_CLIENT_ID;
  Object.assign(process.env, { IDENTITY_ENDPOINT, IDENTITY_HEADER });
  await ask(client, "ManagedIdentityCredential, App Service", async () =>
    claims((await new ManagedIdentityCredential().getToken(MANAGEMENT)).token));
  delete process.env.IDENTITY_ENDPOINT;
  delete process.env.IDENTITY_HEADER;
  Object.assign(process.env, before);
  await ask(client, "a wrong secret is refused", () => refused(() => secret("cellar-ci", "wrong").getToken(MANAGEMENT)));
  await ask(client, "an unknown resource is refused", () => refused(() => secret().getToken("api://nobody/.default")));
}

// The set-up that the questions need, by plain requests.
async function send(method, url, token, body) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${text}`);
  return text && JSON.parse(text);
}

async function blobs() {
  const client = version("@azure/storage-blob");
  const administrator = readFileSync(join(SANDBOX, "az/management.token"), "utf8");
  const name = "0a1b2c3d-0000-4000-8000-00000000000a";
  const assignment = `${CONTAINER}/providers/Microsoft.Authorization/roleAssignments/${name}?api-version=2022-04-01`;
  await send("PUT", `https://${ADDRESSES.resource_manager}${assignment}`, administrator, {
    properties: {
      roleDefinitionId: `${SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/${BLOB_READER}`,
      principalId: CELLAR,
    },
  });
  const account = `https://${ADDRESSES.blob}/quaystore`;
  const container = new BlobServiceClient(account, secret()).getContainerClient("azureml-blobstore-quay");
  const listed = [];
  await ask(client, "all blobs, in pages of four", async () => {
    for await (const page of container.listBlobsFlat().byPage({ maxPageSize: 4 })) {
      listed.push(...page.segment.blobItems);
    }
    return listed.map((blob) => [blob.name.split("/").slice(2).join("/"), blob.properties.contentLength]);
  });
  await ask(client, "the folders at the top", async () => {
    const kinds = [];
    for await (const entry of container.listBlobsByHierarchy("/")) kinds.push(entry.kind);
    return kinds;
  });
  const blob = container.getBlobClient(listed.find((one) => one.name.endsWith("model.onnx")).name);
  await ask(client, "a blob is read whole", async () => {
    const bytes = await blob.downloadToBuffer();
    return { size: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
  });
  await ask(client, "a piece of it", async () => (await blob.downloadToBuffer(10, 20)).length);
  await ask(client, "its properties", async () => {
    const { blobType, accessTier, contentLength } = await blob.getProperties();
    return { blobType, accessTier, contentLength };
  });
  await ask(client, "an absent blob", async () => container.getBlobClient("no/such").exists());
  const denied = new BlobServiceClient(account, secret("stranger")).getContainerClient("azureml-blobstore-quay");
  await ask(client, "a stranger is refused", () => refused(() => denied.listBlobsFlat().next()));
}

async function application() {
  const token = readFileSync(join(SANDBOX, "az/graph.token"), "utf8");
  const graph = `https://${ADDRESSES.graph}/v1.0`;
  const made = await send("POST", `${graph}/applications`, token, {
    displayName: "bridge", identifierUris: [`api://${TENANT}/bridge`], api: { requestedAccessTokenVersion: 2 },
  });
  await send("POST", `${graph}/servicePrincipals`, token, { appId: made.appId });
  return made.appId;
}

async function pool(token, appId) {
  const iam = `http://${ADDRESSES.iam}/v1/projects/${PROJECT}`;
  await send("POST", `${iam}/locations/global/workloadIdentityPools?workloadIdentityPoolId=witness`, token, {});
  await send("POST", `http://${ADDRESSES.iam}/v1/${POOL}/providers?workloadIdentityPoolProviderId=entra`, token, {
    attributeMapping: { "google.subject": "assertion.oid" },
    oidc: { issuerUri: `https://${ADDRESSES.entra}/${TENANT}/v2.0`, allowedAudiences: [appId] },
  });
  await send("POST", `${iam}/serviceAccounts`, token, { accountId: "pusher" });
  const members = [`principal://iam.googleapis.com/${POOL}/subject/${CELLAR}`, "user:admin@harbour.example"];
  await send("POST", `${iam}/serviceAccounts/${PUSHER}:setIamPolicy`, token, {
    policy: { bindings: [{ role: "roles/iam.serviceAccountTokenCreator", members }] },
  });
}

async function googleTokens() {
  const client = version("google-auth-library");
  const { refresh_token, client_id, client_secret } = JSON.parse(readFileSync(process.env.GOOGLE_APPLICATION_CREDENTIALS));
  const user = new UserRefreshClient({
    clientId: client_id, clientSecret: client_secret, refreshToken: refresh_token,
    endpoints: { oauth2TokenUrl: `http://${ADDRESSES.oauth2}/token` },
  });
  await ask(client, "application-default credentials of a user", async () =>
    Object.keys((await user.refreshAccessToken()).credentials).sort());
  const administrator = (await user.getAccessToken()).token;
  await pool(administrator, await application());
  const subject = (await secret().getToken(`api://${TENANT}/bridge/.default`)).token;
  const base = {
    type: "external_account", audience: `//iam.googleapis.com/${POOL}/providers/entra`,
    subject_token_type: "urn:ietf:params:oauth:token-type:jwt", token_url: `http://${ADDRESSES.sts}/v1/token`,
    scopes: [SCOPE],
  };
  const impersonation =
    `http://${ADDRESSES.iam_credentials}/v1/projects/-/serviceAccounts/${PUSHER}:generateAccessToken`;
  const file = join(process.env.WITNESS_WORK, "subject");
  writeFileSync(file, subject, { mode: 0o600 });
  await ask(client, "external account, source file, impersonating", async () => {
    const way = ExternalAccountClient.fromJSON({
      ...base, credential_source: { file }, service_account_impersonation_url: impersonation,
    });
    way.scopes = [SCOPE];
    return typeof (await way.getAccessToken()).token;
  });
  await ask(client, "external account, source url, direct", async () => {
    const url =
      `http://${ADDRESSES.instance_metadata}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=api://${TENANT}/bridge`;
    const way = ExternalAccountClient.fromJSON({
      ...base,
      credential_source: { url, headers: { Metadata: "true" }, format: { type: "json", subject_token_field_name: "access_token" } },
    });
    way.scopes = [SCOPE];
    return typeof (await way.getAccessToken()).token;
  });
  await ask(client, "external account, token supplied, wrong audience, is refused", () =>
    refused(() => new IdentityPoolClient({
      ...base, audience: `//iam.googleapis.com/${POOL}/providers/nobody`,
      subject_token_supplier: { getSubjectToken: async () => subject },
    }).getAccessToken()));
  await ask(client, "the administrator impersonates", async () => {
    const way = new Impersonated({
      sourceClient: user, targetPrincipal: PUSHER, lifetime: 600, delegates: [], targetScopes: [SCOPE],
      endpoint: `http://${ADDRESSES.iam_credentials}`,
    });
    return typeof (await way.getAccessToken()).token;
  });
}

let failed = false;
for (const section of [azureTokens, blobs, googleTokens]) {
  try {
    await section();
  } catch (error) {
    failed = true;
    console.error(`${section.name} failed:`, error);
  }
}
writeFileSync(join(process.argv[2], "answers.json"), JSON.stringify(answers, null, 1) + "\n");
process.exit(failed ? 1 : 0);
