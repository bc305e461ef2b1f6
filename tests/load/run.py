#!/usr/bin/env python3
"""What `apigw serve` does under load, and what is left of it afterwards. Not a part of the checks: it takes minutes and wants the machine.

  tests/load/run.py [--apigw target/release/apigw] [--seconds 60] [--connections 1000] [--reloads 1000] [STAGE ...]

Stages: saturate overload reload slow stream; all of them by default. Needs wrk, h2load for `overload` and slowhttptest for `slow`; a stage whose
program is missing is skipped and said to be. The backend is a second gateway with a mock, for `stream` a socket, and for `overload` one that
takes its time. Exit code 1 if something does not hold.
"""
import argparse
import asyncio
import collections
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

MIB = 1024 * 1024
failures = []


def holds(what, holds):
    print(f"  {'holds' if holds else 'FAILS'}: {what}", flush=True)
    if not holds:
        failures.append(what)


def document(uri):
    """A mock at /mock, that of `uri` at /through, and everything else of `uri`."""
    passed = {"type": "http_proxy", "httpMethod": "ANY", "uri": uri + "/{proxy}",
              "requestParameters": {"integration.request.path.proxy": "method.request.path.proxy"}}
    mock = {"type": "mock", "requestTemplates": {"application/json": '{"statusCode": 200}'},
            "responses": {"default": {"statusCode": "200", "responseTemplates": {"application/json": json.dumps({"text": "x" * 900})}}}}
    through = {"type": "http_proxy", "httpMethod": "GET", "uri": uri + "/mock"}
    proxy = {"name": "proxy", "in": "path", "required": True, "schema": {"type": "string"}}
    return {"openapi": "3.0.1", "info": {"title": "load", "version": "1"}, "paths": {
        "/mock": {"get": {"responses": {"200": {"description": "ok"}}, "x-amazon-apigateway-integration": mock}},
        "/through": {"get": {"responses": {}, "x-amazon-apigateway-integration": through}},
        "/{proxy+}": {"x-amazon-apigateway-any-method": {
            "parameters": [proxy], "responses": {}, "x-amazon-apigateway-integration": passed}}}}


class Gateway:
    def __init__(self, apigw, uri, *options):
        self.file = tempfile.NamedTemporaryFile("w", suffix=".json")
        json.dump(document(uri), self.file)
        self.file.flush()
        self.process = subprocess.Popen([apigw, "serve", self.file.name, "--listen", "127.0.0.1:0", *options],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.address = self.process.stdout.readline().strip().removeprefix("listening on http://")
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        self.uri = f"http://{self.address}"

    def kib(self, name):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(rf"^{name}:\s*(\d+)", status.read(), re.M).group(1))

    def sockets(self):
        folder = f"/proc/{self.process.pid}/fd"
        count = 0
        for name in os.listdir(folder):
            try:
                count += os.readlink(f"{folder}/{name}").startswith("socket:")
            except OSError:
                pass
        return count

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        self.file.close()


def wrk(uri, connections, seconds):
    return subprocess.Popen(["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "10s", uri],
                            stdout=subprocess.PIPE, text=True)


def told(process):
    """Requests a second, the 99th percentile, and what failed."""
    text = process.communicate()[0]
    rate = re.search(r"Requests/sec:\s*([\d.]+)", text)
    late = re.search(r"99%\s*(\S+)", text)
    bad = [line.strip() for line in text.splitlines() if "Non-2xx" in line or "Socket errors" in line]
    return float(rate.group(1)) if rate else 0.0, late.group(1) if late else "?", bad


def warmed(apigw, *options):
    backend = Gateway(apigw, "http://127.0.0.1:1")
    gateway = Gateway(apigw, backend.uri, *options)
    told(wrk(f"{gateway.uri}/mock", 50, 3))
    time.sleep(3)
    return backend, gateway


def saturate(arguments):
    backend, gateway = warmed(arguments.apigw)
    memory, sockets = gateway.kib("VmRSS"), gateway.sockets()
    load = wrk(f"{gateway.uri}/through", arguments.connections, arguments.seconds)
    time.sleep(arguments.seconds / 2)
    most, open_then = gateway.kib("VmRSS"), gateway.sockets()
    rate, late, bad = told(load)
    print(f"  {rate:.0f} requests/s, p99 {late}, {open_then} sockets, {most} KiB; {bad or 'nothing failed'}")
    # Idle connections to the backend stay for 50 seconds, and the allocator gives back what nobody has used for 10.
    deadline = time.time() + 120
    while (gateway.sockets() > sockets + 2 or gateway.kib("VmRSS") > memory + 4096) and time.time() < deadline:
        time.sleep(1)
    print(f"  idle before: {memory} KiB, {sockets} sockets; after: {gateway.kib('VmRSS')} KiB, {gateway.sockets()} sockets")
    holds("connections return to idle", gateway.sockets() <= sockets + 2)
    holds("memory returns to within 4 MiB of idle", gateway.kib("VmRSS") <= memory + 4096)
    for each in (gateway, backend):
        each.stop()


class Slow(asyncio.Protocol):
    """A backend that answers each request after 50 ms."""

    def connection_made(self, transport):
        self.transport = transport
        self.head = b""

    def data_received(self, data):
        self.head += data
        if self.head.endswith(b"\r\n\r\n"):
            self.head = b""
            asyncio.get_running_loop().call_later(0.05, self.transport.write, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def overload(arguments):
    """Many times the requests that are taken on: the rest is turned away at once, and those taken on do not notice."""
    if not shutil.which("h2load"):
        print("  skipped: h2load is not installed")
        return
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(Slow, "127.0.0.1", 0))
    threading.Thread(target=loop.run_forever, daemon=True).start()
    uri = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    places = 20
    gateway = Gateway(arguments.apigw, uri, "--max-concurrency", str(places))

    def load(connections, seconds):
        """Milliseconds of all answers, by status, in order."""
        with tempfile.NamedTemporaryFile("r") as log:
            subprocess.run(["h2load", "--h1", "-t1", f"-c{connections}", "-D", str(seconds), f"--log-file={log.name}", f"{gateway.uri}/a"],
                           stdout=subprocess.DEVNULL, check=True)
            times = collections.defaultdict(list)
            for line in log:
                _, status, micros = line.split("\t")
                times[int(status)].append(int(micros) / 1000)
        return {status: sorted(found) for status, found in times.items()}

    def p99(times):
        return times[len(times) * 99 // 100] if times else float("inf")

    seconds = max(5, arguments.seconds // 4)
    alone = load(places, seconds)
    print(f"  {places} connections: {len(alone[200]) / seconds:.0f} answers/s, p99 {p99(alone[200]):.0f} ms; {[*alone]}")
    memory = gateway.kib("VmRSS")
    crowd = load(arguments.connections, seconds)
    admitted, turned = crowd.get(200, []), crowd.get(429, [])
    print(f"  {arguments.connections} connections: {len(admitted) / seconds:.0f} answers/s, p99 {p99(admitted):.0f} ms;"
          f" {len(turned) / seconds:.0f} turned away/s, p99 {p99(turned):.0f} ms; {[*crowd]}; {memory} to {gateway.kib('VmHWM')} KiB")
    holds("only 200 and 429", set(crowd) <= {200, 429})
    # The places are shared by chance among all who ask, and the processor with those who are turned away.
    holds("as many are served as without the crowd, by half", len(admitted) >= len(alone[200]) / 2)
    holds("99 of 100 of those served wait at most five times as long", p99(admitted) <= 5 * p99(alone[200]))
    gateway.stop()


def reload(arguments):
    backend, gateway = warmed(arguments.apigw)
    pause = 0.02
    load = wrk(f"{gateway.uri}/mock", 50, int(arguments.reloads * pause * 1.5) + 3)
    time.sleep(1)
    for _ in range(arguments.reloads):
        gateway.process.send_signal(signal.SIGHUP)
        time.sleep(pause)
    rate, late, bad = told(load)
    print(f"  {arguments.reloads} reloads, {rate:.0f} requests/s, p99 {late}, {gateway.kib('VmRSS')} KiB")
    holds(f"no request failed {bad}", rate > 0 and not bad)
    for each in (gateway, backend):
        each.stop()


def slow(arguments):
    if not shutil.which("slowhttptest"):
        print("  skipped: slowhttptest is not installed")
        return
    backend, gateway = warmed(arguments.apigw, "--body-idle-timeout", "5")
    for name, options in (("heads", ["-H", "-i", "3"]), ("bodies", ["-B", "-i", "8", "-s", "8192"]),
                          ("reads", ["-X", "-n", "5", "-z", "32", "-w", "512", "-y", "1024", "-k", "3"])):
        out = subprocess.run(["slowhttptest", "-c", str(arguments.connections), "-r", "200", "-l", "50", "-p", "3", *options,
                              "-u", f"{gateway.uri}/mock"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
        plain = re.sub(r"\x1b\[[\d;]*m", "", out)
        available = re.findall(r"service available:\s*(YES|NO)", plain)
        said = re.findall(r"(pending|connected|error|closed):\s*(\d+)", plain)[-4:]
        print(f"  {name}: {dict(said)}")
        holds(f"serves others during slow {name}", bool(available) and "NO" not in available)
    time.sleep(12)
    print(f"  {gateway.sockets()} sockets are left")
    for each in (gateway, backend):
        each.stop()


def stream(arguments):
    """64 MiB each way through a client and a backend that do not hold them."""
    size = 64 * MIB
    listener = socket.create_server(("127.0.0.1", 0))
    gateway = Gateway(arguments.apigw, f"http://127.0.0.1:{listener.getsockname()[1]}", "--limits", "none")

    def serve():
        while True:
            connection, _ = listener.accept()
            while True:
                head = b""
                while b"\r\n\r\n" not in head:
                    piece = connection.recv(65536)
                    if not piece:
                        break
                    head += piece
                if not head:
                    break
                head, rest = head.split(b"\r\n\r\n", 1)
                length = re.search(rb"content-length: (\d+)", head.lower())
                left = (int(length.group(1)) if length else 0) - len(rest)
                while left > 0:
                    left -= len(connection.recv(min(left, 256 * 1024)))
                body = size if b"/down " in head else 2
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % body)
                block = b"x" * min(body, 256 * 1024)
                while body > 0:
                    connection.sendall(block[:body])
                    body -= len(block[:body])

    threading.Thread(target=serve, daemon=True).start()
    host, port = gateway.address.rsplit(":", 1)

    def ask(line, body):
        client = socket.create_connection((host, int(port)))
        client.sendall(line.encode() + b" HTTP/1.1\r\nHost: g\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % body)
        block = b"x" * (256 * 1024)
        while body > 0:
            body -= client.send(block[:body])
        count = 0
        while piece := client.recv(256 * 1024):
            count += len(piece)
        client.close()
        return count

    for _ in range(20):
        ask("GET /warm", 0)
    time.sleep(1)
    idle = gateway.kib("VmRSS")
    ask("POST /up", size)
    up = gateway.kib("VmHWM")
    assert ask("GET /down", 0) >= size
    down = gateway.kib("VmHWM")
    print(f"  idle {idle} KiB, most during the upload {up} KiB, and during the download {down} KiB")
    holds("64 MiB each way within 8 MiB of idle", down - idle <= 8 * 1024)
    gateway.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--apigw", default="target/release/apigw")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--reloads", type=int, default=1000)
    stages = {"saturate": saturate, "overload": overload, "reload": reload, "slow": slow, "stream": stream}
    parser.add_argument("stages", nargs="*", choices=[*stages, []], default=[])
    arguments = parser.parse_args()
    for name in arguments.stages or stages:
        print(f"{name}:", flush=True)
        if name in ("saturate", "reload", "slow") and not shutil.which("wrk"):
            print("  skipped: wrk is not installed")
            continue
        stages[name](arguments)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
