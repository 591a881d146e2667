"""Worlds of RBAC objects and questions about them, realistic and nasty, the same for the same seed.

Prints one JSON object: {"worlds": [{"objects": […], "questions": […], "requests": […]}]}.
A question is [user, [group, …], verb, API group, resource, subresource, namespace, name], or with a path
[user, [group, …], verb, path]. A request is a user and an HTTP request that is made in their name.
"""

import json
import random
import sys

SEED = 20261128
WORLDS = 6
QUESTIONS = 450
REQUESTS = 40

NAMESPACES = ["oncology", "cellar", "kube-system", "default"]
RBAC = "rbac.authorization.k8s.io"

# (API group, resource) as a request names them, subresources apart.
RESOURCES = [
    ("", "pods"), ("", "pods"), ("", "secrets"), ("", "configmaps"), ("", "services"), ("", "serviceaccounts"),
    ("", "nodes"), ("", "namespaces"), ("", "persistentvolumes"), ("", "events"),
    ("apps", "deployments"), ("apps", "deployments"), ("apps", "statefulsets"), ("apps", "replicasets"),
    ("extensions", "deployments"), ("batch", "jobs"), ("autoscaling", "horizontalpodautoscalers"),
    ("networking.k8s.io", "networkpolicies"), ("policy", "poddisruptionbudgets"),
    (RBAC, "roles"), (RBAC, "rolebindings"), (RBAC, "clusterroles"), ("coordination.k8s.io", "leases"),
    ("gangplank.dev", "bridges"), ("gangplank.dev", "shipments"), ("metrics.k8s.io", "pods"),
    ("", "users"), ("", "groups"),
]
SUBRESOURCES = {
    "pods": ["log", "exec", "portforward", "status", "eviction", "ephemeralcontainers"],
    "services": ["proxy", "status"],
    "serviceaccounts": ["token"],
    "deployments": ["scale", "status"],
    "statefulsets": ["scale", "status"],
    "replicasets": ["scale"],
    "nodes": ["proxy", "status"],
    "namespaces": ["finalize", "status"],
    "bridges": ["status", "scale"],
}
VERBS = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"]
ODD_VERBS = ["*", "impersonate", "bind", "escalate", "use", "GET", "proxy", "approve"]
NAMES = ["web", "shipment-a", "shipment-b", "gp-oncology", "*", "web-*", "Web"]
PATHS = [
    "/", "/healthz", "/healthz/etcd", "/version", "/version/", "/metrics", "/metrics/cadvisor", "/api", "/api/v1",
    "/apis", "/apis/apps/v1", "/openapi/v3", "/logs/kubelet.log", "/readyz", "/livez/ping", "/.well-known/x", "*", "/a*b",
]
PATH_PATTERNS = [
    "*", "/", "/*", "/healthz", "/healthz/*", "/healthz*", "/version", "/version/", "/metrics", "/metrics/*", "/api*",
    "/apis/*", "/openapi/**", "/logs/*", "/a*b", "/readyz", "/.well-known/*", "**", "healthz",
]


class World:
    def __init__(self, number):
        self.random = random.Random(SEED + number)
        self.mark = f"w{number}"
        self.users = ["jane", "Jane", "omar@harbour.example", "gp-oncology@p.iam.gserviceaccount.com", "*", "lost",
                      "principal://iam.googleapis.com/projects/412/locations/global/workloadIdentityPools/p/subject/a&b",
                      "<nobody>", "system:anonymous", "system:node:n1", "104857600"]
        self.accounts = [(space, name) for space in NAMESPACES for name in ("app", "deployer")]
        self.groups = ["watchers", "deployers", "system:authenticated", "system:unauthenticated",
                       "system:serviceaccounts", "system:nodes"] + [f"system:serviceaccounts:{space}" for space in NAMESPACES]
        self.roles = {}
        self.cluster_roles = {}
        self.bindings = []

    def pick(self, values):
        return self.random.choice(values)

    def chance(self, percent):
        return self.random.randrange(100) < percent

    def some(self, values, most):
        return self.random.sample(values, min(len(values), self.random.randint(1, most)))

    # --- objects -------------------------------------------------------------------------------------------------

    def resource_rule(self):
        targets = self.some(RESOURCES, 3)
        groups, resources = [], []
        for group, resource in targets:
            groups.append("*" if self.chance(8) else group)
            subs = SUBRESOURCES.get(resource)
            if subs and self.chance(45):
                sub = self.pick(subs)
                forms = [f"{resource}/{sub}"] * 5 + [f"*/{sub}"] * 3 + [f"{resource}/*", "*/*", f"{resource}/{sub.upper()}"]
                resources.append(self.pick(forms))
            else:
                forms = [resource] * 12 + ["*", resource.capitalize(), f"{resource}/", f"{resource}.{group}"]
                resources.append(self.pick(forms))
        verbs = ["*"] if self.chance(12) else self.some(VERBS, 4)
        if self.chance(15):
            verbs.append(self.pick(ODD_VERBS))
        rule = {"apiGroups": sorted(set(groups)), "resources": sorted(set(resources)), "verbs": verbs}
        if self.chance(25):
            rule["resourceNames"] = self.some(NAMES + [""], 2)
        return rule

    def path_rule(self):
        verbs = self.pick([["get"], ["get", "head"], ["*"], ["post"], ["GET"], ["get", "put"]])
        return {"nonResourceURLs": self.some(PATH_PATTERNS, 3), "verbs": verbs}

    def make_roles(self):
        for number in range(14):
            space = self.pick(NAMESPACES)
            rules = [self.resource_rule() for _ in range(self.random.randint(0, 3))]
            self.roles[(space, f"{self.mark}-r{number % 9}")] = rules
        for number in range(18):
            rules = [self.path_rule() if self.chance(30) else self.resource_rule()
                     for _ in range(self.random.randint(0, 3))]
            labels = {f"gangplank.dev/{self.pick('abc')}": self.pick(["true", "false", "x"])} if self.chance(70) else {}
            self.cluster_roles[f"{self.mark}-c{number}"] = {"labels": labels, "rules": rules}

    def selector(self, keys):
        key = f"gangplank.dev/{self.pick(keys)}"
        kind = self.random.randrange(6)
        only_here = {"gangplank.dev/world": self.mark}
        if kind < 3:
            return {"matchLabels": {key: self.pick(["true", "false", "x"]), **only_here}}
        expression = [
            {"key": key, "operator": "In", "values": ["true", "x"]},
            {"key": key, "operator": "NotIn", "values": ["true"]},
            {"key": key, "operator": self.pick(["Exists", "DoesNotExist"])},
        ][kind - 3]
        return {"matchLabels": only_here, "matchExpressions": [expression]}

    def make_aggregates(self):
        """Some gather roles, some gather those that gather. What stands in their own rules is overwritten by the cluster."""
        for number in range(7):
            upper = number >= 4
            labels = {"gangplank.dev/level": "2" if upper else "1"}
            selectors = ([{"matchLabels": {"gangplank.dev/level": "1", "gangplank.dev/world": self.mark}}] if upper
                         else [self.selector("abc") for _ in range(self.random.randint(1, 2))])
            for selector in selectors:
                # What needs no label would gather the roles that gather, and leave the order to chance.
                for expression in selector.get("matchExpressions", []):
                    if expression["operator"] in ("NotIn", "DoesNotExist"):
                        selector["matchExpressions"] = [expression, {"key": "gangplank.dev/level", "operator": "DoesNotExist"}]
            rules = [self.resource_rule()] if self.chance(40) else []
            self.cluster_roles[f"{self.mark}-a{number}"] = {
                "labels": labels, "rules": rules, "aggregationRule": {"clusterRoleSelectors": selectors}}

    def subject(self, space):
        kind = self.random.randrange(10)
        if kind < 4:
            name = self.pick(self.users)
            if self.chance(12):
                name = "system:serviceaccount:" + ":".join(self.pick(self.accounts))
            return {"kind": "User", "apiGroup": RBAC, "name": name}
        if kind < 7:
            return {"kind": "Group", "apiGroup": RBAC, "name": self.pick(self.groups)}
        namespace, name = self.pick(self.accounts)
        return {"kind": "ServiceAccount", "namespace": space if space and self.chance(50) else namespace, "name": name}

    def make_bindings(self):
        for number in range(26):
            space = self.pick(NAMESPACES)
            here = [name for (namespace, name) in self.roles if namespace == space]
            if here and self.chance(55):
                ref = ("Role", self.pick(here))
            elif self.chance(12):
                ref = (self.pick(["Role", "ClusterRole"]), self.pick([f"{self.mark}-gone", f"{self.mark}-r1", f"{self.mark}-c1"]))
            else:
                ref = ("ClusterRole", self.pick(list(self.cluster_roles) + ["view", "edit", "admin"]))
            self.bindings.append((space, f"{self.mark}-b{number}", ref, [self.subject(space) for _ in range(self.random.randint(0, 3))]))
        for number in range(9):
            name = f"{self.mark}-gone" if self.chance(10) else self.pick(list(self.cluster_roles))
            self.bindings.append(("", f"{self.mark}-g{number}", ("ClusterRole", name), [self.subject("") for _ in range(self.random.randint(0, 2))]))

    def objects(self):
        def of(kind, name, space="", labels=None, **rest):
            metadata = {"name": name, "labels": {"gangplank.dev/world": self.mark, **(labels or {})}}
            if space:
                metadata["namespace"] = space
            return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": metadata, **rest}

        for (space, name), rules in sorted(self.roles.items()):
            yield of("Role", name, space, rules=rules)
        for name, role in self.cluster_roles.items():
            yield of("ClusterRole", name, labels=role["labels"], **{key: role[key] for key in role if key != "labels"})
        for space, name, (kind, role), subjects in self.bindings:
            ref = {"apiGroup": RBAC, "kind": kind, "name": role}
            yield of("RoleBinding" if space else "ClusterRoleBinding", name, space, roleRef=ref, subjects=subjects)

    # --- questions -----------------------------------------------------------------------------------------------

    def asker(self):
        """A user with groups, now and then without the groups it should have, or with none of a name."""
        if self.chance(40):
            space, name = self.pick(self.accounts)
            groups = ["system:serviceaccounts", f"system:serviceaccounts:{space}", "system:authenticated"]
            user = f"system:serviceaccount:{space}:{name}"
            return user, [] if self.chance(10) else groups
        user = self.pick(self.users + ["", "nobody", "system:serviceaccount:oncology", "system:serviceaccount::app"])
        groups = ["system:authenticated"] if self.chance(75) else []
        if self.chance(40) or not user:
            groups.append(self.pick(self.groups[:2] + self.groups))
        if self.chance(1):
            groups.append("system:masters")
        return user, groups

    def near(self):
        """A question that some rule was made for, so that not every answer is no."""
        rules = list(self.roles.values()) + [role["rules"] for role in self.cluster_roles.values()]
        rules = [rule for some in rules for rule in some if "resources" in rule]
        rule = self.pick(rules)
        resource = self.pick(rule["resources"])
        group = self.pick(rule["apiGroups"])
        if group == "*":
            group = self.pick(["apps", "", "gangplank.dev"])
        resource, _, sub = resource.partition("/")
        if resource == "*":
            resource = self.pick(["pods", "deployments", "bridges"])
        verb = self.pick(rule["verbs"])
        verb = self.pick(VERBS) if verb == "*" and self.chance(80) else verb
        name = self.pick(rule["resourceNames"]) if "resourceNames" in rule and self.chance(80) else ""
        return verb, group, resource, sub, name

    def question(self):
        user, groups = self.asker()
        if self.chance(15):
            return [user, groups, self.pick(["get", "get", "post", "head", "put"]), self.pick(PATHS)]
        space = self.pick(NAMESPACES + ["", "nowhere"])
        if self.chance(65):
            verb, group, resource, sub, name = self.near()
            return [user, groups, verb, group, resource, sub, space, name]
        group, resource = self.pick(RESOURCES + [("", "*"), ("*", "*"), ("apps", "pods"), ("", "pods/log")])
        sub = self.pick(SUBRESOURCES.get(resource, ["", "scale"])) if self.chance(30) else ""
        verb = self.pick(ODD_VERBS) if self.chance(12) else self.pick(VERBS)
        name = self.pick(NAMES) if self.chance(40) else ""
        return [user, groups, verb, group, resource, sub, space, name]

    def request(self):
        """An HTTP request that is likely to be refused, with what the API server makes of it."""
        users = [user for user in self.users if user != "*"]
        user = self.pick(users + ["system:serviceaccount:" + ":".join(self.pick(self.accounts))])
        if self.chance(15):
            return [user, "GET", self.pick(["/metrics", "/logs/x", "/metrics/cadvisor"])]
        space = self.pick(NAMESPACES)
        named = self.chance(50)
        base, tail = self.pick([
            (f"/api/v1/namespaces/{space}/pods", "/web"), (f"/api/v1/namespaces/{space}/secrets", "/web"),
            (f"/api/v1/namespaces/{space}/pods", "/web/log"), (f"/apis/apps/v1/namespaces/{space}/deployments", "/web"),
            (f"/apis/apps/v1/namespaces/{space}/deployments", "/web/scale"), ("/api/v1/nodes", "/n1"), ("/api/v1/secrets", None),
            (f"/apis/{RBAC}/v1/clusterroles", "/x"), (f"/apis/gangplank.dev/v1/namespaces/{space}/bridges", "/b"),
            (f"/api/v1/namespaces/{space}/serviceaccounts", "/app"), ("/api/v1/namespaces", None),
        ])
        path = base + tail if named and tail else base
        method = self.pick(["GET", "GET", "DELETE", "POST" if path == base else "PUT"])
        return [user, method, path]

    def whole(self):
        self.make_roles()
        self.make_aggregates()
        self.make_bindings()
        objects = list(self.objects())
        questions = [self.question() for _ in range(QUESTIONS)]
        return {"objects": objects, "questions": questions, "requests": [self.request() for _ in range(REQUESTS)]}


json.dump({"seed": SEED, "worlds": [World(number).whole() for number in range(WORLDS)]}, sys.stdout)
