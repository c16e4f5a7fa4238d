"""The demo's web application: notes in PostgreSQL, a visit counter in Redis, nothing but the standard library around them."""
import html
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import psycopg2
import redis

cache = redis.Redis(host=os.environ["REDIS_HOST"])


def database():
    return psycopg2.connect("", connect_timeout=3)  # PGHOST, PGUSER, … come from the environment


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        visits = cache.incr("visits")
        with database() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT body FROM notes ORDER BY id")
            notes = [row[0] for row in cursor.fetchall()]
        items = "".join(f"<li>{html.escape(note)}</li>" for note in notes)
        self.answer(200, f"<h1>berth demo</h1><p>visits: {visits}</p><p>notes: {len(notes)}</p><ul>{items}</ul>\n")

    def do_POST(self):
        length = min(int(self.headers.get("Content-Length") or 0), 65536)
        note = parse_qs(self.rfile.read(length).decode("utf-8", "replace")).get("note", [""])[0]
        with database() as connection, connection.cursor() as cursor:
            cursor.execute("INSERT INTO notes (body) VALUES (%s)", (note,))
        self.answer(201, "<p>written</p>\n")

    def answer(self, status, body):
        payload = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)


if __name__ == "__main__":
    print("serving on port 8000")
    ThreadingHTTPServer(("0.0.0.0", 8000), Page).serve_forever()
