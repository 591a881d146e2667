"""Loads each credential configuration with google-auth, gets a token where one can be had here, and asks the registry with it."""

import json
import pathlib
import sys

import google.auth.exceptions
import google.auth.transport.requests
import requests
from google.auth import identity_pool, pluggable

registry, work = sys.argv[1], pathlib.Path(sys.argv[2])
answers = {}
for name in [
    "executable", "executable-team", "executable-kept", "file", "file-team", "instance-metadata", "other-provider",
]:
    # The class that google.auth.default() would choose; that function also asks the public Resource Manager for the project.
    info = json.loads((work / f"{name}.json").read_text())
    loader = pluggable if "executable" in info["credential_source"] else identity_pool
    credentials = loader.Credentials.from_info(info, scopes=["https://www.googleapis.com/auth/cloud-platform"])
    answer = {"loaded": type(credentials).__module__, "account": credentials.service_account_email}
    if name != "instance-metadata":
        try:
            credentials.refresh(google.auth.transport.requests.Request())
            reply = requests.get(f"http://{registry}/v2/", headers={"Authorization": f"Bearer {credentials.token}"})
            answer["registry"] = reply.status_code
        except google.auth.exceptions.GoogleAuthError as refused:
            answer["refused"] = str(refused)
    answers[name] = answer
json.dump(answers, sys.stdout, indent=2)
print()
