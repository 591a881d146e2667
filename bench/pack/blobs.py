"""What the peers do first, and how the model gets into Azurite: `blobs.py up|down ACCOUNT-URL KEY CA CONTAINER PREFIX FOLDER`."""
import os, sys
from azure.storage.blob import ContainerClient


def main():
    verb, url, key, ca, container, prefix, folder = sys.argv[1:]
    account = url.rstrip("/").rsplit("/", 1)[1]
    client = ContainerClient(url, container, credential={"account_name": account, "account_key": key}, connection_verify=ca)
    if verb == "up":
        if not client.exists():
            client.create_container()
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), "rb") as data:
                client.upload_blob(f"{prefix}/{name}", data, overwrite=True, max_concurrency=4)
        return
    for blob in client.list_blobs(name_starts_with=prefix + "/"):
        with open(os.path.join(folder, blob.name.rsplit("/", 1)[1]), "wb") as out:
            client.download_blob(blob.name, max_concurrency=8).readinto(out)


main()
