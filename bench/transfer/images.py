"""The images that are copied: random layers under a gzip envelope of stored blocks, as every tool takes them."""
import hashlib, json, os, ssl, urllib.request, zlib

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
PIECE = 4 << 20


def layer(size, folder):
    """A file of about `size` bytes; its digest and exact size. Made once, streamed, never in memory."""
    path = os.path.join(folder, f"layer-{os.urandom(6).hex()}")
    digest, length = hashlib.sha256(), 0
    envelope = zlib.compressobj(0, zlib.DEFLATED, 31)
    with open(path, "wb") as out:
        def put(data):
            nonlocal length
            out.write(data), digest.update(data)
            length += len(data)
        left = size
        while left:
            piece = os.urandom(min(PIECE, left))
            put(envelope.compress(piece))
            left -= len(piece)
        put(envelope.flush())
    return {"path": path, "digest": f"sha256:{digest.hexdigest()}", "size": length}


class Registry:
    """Just enough of the distribution protocol to put an image somewhere."""

    def __init__(self, url, ca=None):
        self.url = url
        self.context = ssl.create_default_context(cafile=ca) if ca else None

    def ask(self, method, path, body=None, headers=None):
        url = path if path.startswith("http") else self.url + path
        request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
        return urllib.request.urlopen(request, context=self.context, timeout=600)

    def blob(self, repository, digest, size, body):
        location = self.ask("POST", f"/v2/{repository}/blobs/uploads/", b"").headers["Location"]
        mark = "&" if "?" in location else "?"
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        self.ask("PUT", f"{location}{mark}digest={digest}", body, headers).read()

    def image(self, repository, tag, layers):
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                             "rootfs": {"type": "layers", "diff_ids": [one["digest"] for one in layers]},
                             "name": f"{repository}:{tag}"}).encode()
        digest = "sha256:" + hashlib.sha256(config).hexdigest()
        self.blob(repository, digest, len(config), config)
        for one in layers:
            with open(one["path"], "rb") as body:
                self.blob(repository, one["digest"], one["size"], body)
        named = lambda one: {"mediaType": LAYER, "digest": one["digest"], "size": one["size"]}
        manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST,
                               "config": {"mediaType": CONFIG, "digest": digest, "size": len(config)},
                               "layers": [named(one) for one in layers]}).encode()
        self.ask("PUT", f"/v2/{repository}/manifests/{tag}", manifest, {"Content-Type": MANIFEST}).read()
        return "sha256:" + hashlib.sha256(manifest).hexdigest()

    def digest(self, repository, tag):
        try:
            return self.ask("HEAD", f"/v2/{repository}/manifests/{tag}", None,
                            {"Accept": MANIFEST}).headers["Docker-Content-Digest"]
        except urllib.error.HTTPError:
            return None
