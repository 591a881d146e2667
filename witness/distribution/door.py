"""A door on loopback that adds a log-in to every request that passes it."""

import base64
import http.client
import http.server

HOP = ("connection", "content-length", "host", "transfer-encoding")


class Door(http.server.ThreadingHTTPServer):
    def __init__(self, target, user, password):
        super().__init__(("127.0.0.1", 0), Passing)
        self.address = "127.0.0.1:%d" % self.server_address[1]
        self.target = target
        self.log_in = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Passing(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def body(self):
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        whole = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return whole

    def passing(self):
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
        connection = http.client.HTTPConnection(self.server.target)
        connection.request(self.command, self.path, self.body(), {**headers, "Authorization": self.server.log_in})
        answer = connection.getresponse()
        data = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding"):
                self.send_header(name, value)
        if answer.getheader("content-length") is None and answer.status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        connection.close()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = passing

    def log_message(self, *_):
        pass
