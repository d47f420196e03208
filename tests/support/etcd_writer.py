#!/usr/bin/env python3
"""A client of etcd, as the API server is one: every 50 ms it writes a key through one member and reads it back through the next, each
member in turn, over connections that it keeps, with the certificates that it started with. It goes on until its standard input ends, then
reads all keys again, and prints what it saw as JSON:

  acknowledged          how many writes were
  lost                  acknowledged keys that are not there, or not with their value, at the end
  misread               keys that were read back otherwise than they had been acknowledged
  longest_interruption  the longest time, in seconds, from one write that was acknowledged and read back to the next
  interrupted_at        when that began, in seconds after the first write
  duration              the whole time, in seconds
  errors                each kind of error that was met, with its number

Etcd's JSON gateway is at /v3/kv/put and /v3/kv/range (3.4 and later)."""
import argparse
import base64
import collections
import http.client
import json
import os
import ssl
import sys
import threading
import time

PERIOD = 0.05
LIMIT = 1.0  # for one request, in seconds
PREFIX = "written/"


class Member:
    def __init__(self, endpoint, context):
        self.endpoint, self.context, self.connection = endpoint, context, None

    def ask(self, path, body, limit=LIMIT):
        """The answer, or an exception; after that the connection is made anew."""
        try:
            if self.connection is None:
                self.connection = http.client.HTTPSConnection(self.endpoint, timeout=limit, context=self.context)
            self.connection.request("POST", path, json.dumps(body))
            response = self.connection.getresponse()
            answer = json.loads(response.read())
            if response.status != 200:
                raise OSError(f"{response.status} {answer.get('error')}")
            return answer
        except (OSError, http.client.HTTPException, ValueError):
            if self.connection is not None:
                self.connection.close()
            self.connection = None
            raise


def coded(text):
    return base64.b64encode(text.encode()).decode()


def decoded(text):
    return base64.b64decode(text).decode()


class Writer:
    def __init__(self, members, stopped):
        self.members, self.stopped = members, stopped
        self.turn, self.errors = 0, collections.Counter()
        self.acknowledged, self.misread, self.completed = [], [], []
        self.run_id = os.urandom(4).hex()

    def through_any_member(self, path, body):
        """Asks the members in turn until one answers, or it is time to stop."""
        while not self.stopped.is_set():
            self.turn += 1
            member = self.members[self.turn % len(self.members)]
            try:
                return member.ask(path, body)
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.errors[f"{member.endpoint}: {error or type(error).__name__}"] += 1
                time.sleep(0.005)
        return None

    def value(self, number):
        return f"{self.run_id}-{number}"

    def write_and_read_back(self, number):
        key = coded(f"{PREFIX}{number:08}")
        if self.through_any_member("/v3/kv/put", {"key": key, "value": coded(self.value(number))}) is None:
            return
        self.acknowledged.append(number)
        answer = self.through_any_member("/v3/kv/range", {"key": key})
        if answer is None:
            return
        values = [decoded(pair["value"]) for pair in answer.get("kvs", [])]
        if values != [self.value(number)]:
            self.misread.append({"key": number, "values": values})
        self.completed.append(time.monotonic())

    def go_on(self):
        begin = next_time = time.monotonic()
        number = 0
        while not self.stopped.is_set():
            self.write_and_read_back(number)
            number += 1
            next_time = max(next_time + PERIOD, time.monotonic())
            self.stopped.wait(max(0, next_time - time.monotonic()))
        return begin, time.monotonic()

    def lost(self):
        for attempt in range(20):
            member = self.members[attempt % len(self.members)]
            try:
                answer = member.ask("/v3/kv/range", {"key": coded(PREFIX), "range_end": coded(PREFIX[:-1] + "0")}, 10)
                there = {decoded(pair["key"]): decoded(pair["value"]) for pair in answer.get("kvs", [])}
                return [number for number in self.acknowledged if there.get(f"{PREFIX}{number:08}") != self.value(number)]
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.errors[f"at the end: {member.endpoint}: {error or type(error).__name__}"] += 1
                time.sleep(0.5)
        return self.acknowledged

    def report(self, begin, end):
        moments = [begin, *self.completed, end]
        gaps = [(later - earlier, earlier - begin) for earlier, later in zip(moments, moments[1:])]
        longest, since = max(gaps)
        return {"acknowledged": len(self.acknowledged), "lost": self.lost(), "misread": self.misread, "longest_interruption": longest,
                "interrupted_at": since, "duration": end - begin, "errors": dict(self.errors)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", help="where etcd-ca.pem, etcd.pem and etcd-key.pem are")
    parser.add_argument("endpoints", nargs="+", help="address:port of the members")
    options = parser.parse_args()
    context = ssl.create_default_context(cafile=os.path.join(options.folder, "etcd-ca.pem"))
    context.load_cert_chain(os.path.join(options.folder, "etcd.pem"), os.path.join(options.folder, "etcd-key.pem"))
    stopped = threading.Event()

    def stop_at_end_of_input():
        sys.stdin.read()
        stopped.set()

    threading.Thread(target=stop_at_end_of_input, daemon=True).start()
    writer = Writer([Member(endpoint, context) for endpoint in options.endpoints], stopped)
    print("ready", flush=True)
    begin, end = writer.go_on()
    print(json.dumps(writer.report(begin, end)))


if __name__ == "__main__":
    main()
