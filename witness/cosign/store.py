"""Prints everything that a repository of a registry has, as JSON: tags with their manifests, and the manifests and blobs below.

What refers to an image is found by the registry's list or, where there is none, by the tags alone.
"""

import base64
import json
import sys
import urllib.error
import urllib.request

TYPES = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in (
        "oci.image.manifest.v1",
        "oci.image.index.v1",
        "docker.distribution.manifest.v2",
        "docker.distribution.manifest.list.v2",
    )
)


def get(url):
    request = urllib.request.Request(url, headers={"Accept": TYPES})
    with urllib.request.urlopen(request) as answer:
        return answer.headers.get("Content-Type", ""), answer.headers.get("Docker-Content-Digest"), answer.read()


def main(registry, repository):
    base = f"http://{registry}/v2/{repository}"
    tags = sorted(json.loads(get(f"{base}/tags/list")[2])["tags"])
    store = {"tags": {}, "manifests": {}, "blobs": {}}
    wanted = list(tags)
    while wanted:
        name = wanted.pop()
        kind, digest, body = get(f"{base}/manifests/{name}")
        if name in tags:
            store["tags"][name] = digest
        if digest in store["manifests"]:
            continue
        store["manifests"][digest] = {"mediaType": kind, "text": body.decode()}
        manifest = json.loads(body)
        wanted += [child["digest"] for child in manifest.get("manifests", [])]
        for blob in manifest.get("layers", []) + [manifest[key] for key in ("config",) if key in manifest]:
            bytes_ = get(f"{base}/blobs/{blob['digest']}")[2]
            store["blobs"][blob["digest"]] = base64.b64encode(bytes_).decode()
        try:
            listed = json.loads(get(f"{base}/referrers/{digest}")[2])
            wanted += [child["digest"] for child in listed["manifests"]]
        except urllib.error.HTTPError:
            pass
    print(json.dumps(store, indent=1, sort_keys=True))


main(*sys.argv[1:])
