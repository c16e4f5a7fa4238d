// `init` on small projects, as its reader goes on: what it writes builds, starts, and answers. The images that the files
// name are made from the host's own Debian files, under those names.
import Foundation
import Testing

/// Root trees of programs of the host, with the libraries that they load, as tar archives.
private enum HostImage {
    /// What every tree begins with: a shell, its tools, the program that adds users, and what that reads.
    private static let beginning = """
        set -e
        r=$(mktemp -d); trap 'rm -r "$r"' EXIT
        mkdir -p $r/bin $r/sbin $r/etc $r/tmp $r/proc $r/sys $r/dev $r/root $r/home $r/var/log $r/usr/bin $r/usr/sbin
        mkdir -p $r/lib/x86_64-linux-gnu $r/lib64 $r/usr/lib $r/usr/local/bin
        chmod 1777 $r/tmp
        cp /bin/busybox $r/bin/busybox
        for a in $(/bin/busybox --list); do [ $a = busybox ] || ln -s busybox $r/bin/$a; done
        # A program at the path that it has on the host, with its libraries.
        put() {
          for p in "$@"; do
            mkdir -p $r$(dirname $p); cp -L $p $r$p
            for l in $(ldd $p 2>/dev/null | grep -o '/[^ ]*'); do mkdir -p $r$(dirname $l); [ -e $r$l ] || cp -L $l $r$l; done
          done
        }
        for l in libnss_files.so.2 libnss_dns.so.2 libresolv.so.2; do cp -L /lib/*-linux-gnu/$l $r/lib/x86_64-linux-gnu/; done
        echo 'hosts: files dns' > $r/etc/nsswitch.conf
        put /usr/sbin/useradd; cp /etc/login.defs $r/etc/
        echo 'root:x:0:0:root:/root:/bin/sh' > $r/etc/passwd; echo 'root:x:0:' > $r/etc/group

        """

    /// Imports an image that is made by a script, which finds its tree in `$r`.
    private static func make(
        _ world: World, _ script: String, _ names: [String], changes: [String] = []
    ) throws {
        try make(world, beginning, script, names, changes: changes)
    }

    private static func make(
        _ world: World, _ beginning: String, _ script: String, _ names: [String], changes: [String]
    ) throws {
        let archive = world.root.appendingPathComponent("\(names[0].filter { $0.isLetter }).tar").path
        let made = try Shell.run(beginning + script + "\ntar -C $r --numeric-owner -cf '\(archive)' .\n")
        guard made.status == 0 else { throw WorldError("making \(names): \(made)") }
        for name in names {
            let words = changes.flatMap { ["--change", $0] }
            let imported = try world.start(["image", "import"] + words + [archive, name]).wait()
            guard imported.status == 0 else { throw WorldError("importing \(name): \(imported)") }
        }
    }

    static func python(_ world: World, _ name: String = "python:3.13-slim") throws {
        try make(
            world,
            """
            p=$(readlink -f /usr/bin/python3); v=$(basename $p); put $p
            mkdir -p $r/usr/lib/$v
            tar -C /usr/lib/$v --exclude=__pycache__ --exclude=test --exclude=dist-packages --exclude=config-* -cf - . \
              | tar -C $r/usr/lib/$v -xf -
            ln -s $p $r/usr/local/bin/python
            """, [name])
    }

    static func node(_ world: World) throws {
        try make(
            world,
            """
            put $(readlink -f /usr/bin/node); [ -e $r/usr/bin/node ] || ln -s $(readlink -f /usr/bin/node) $r/usr/bin/node
            [ ! -d /usr/share/nodejs ] || { mkdir -p $r/usr/share; cp -R /usr/share/nodejs $r/usr/share/; }
            echo 'node:x:1000:1000::/home/node:/bin/sh' >> $r/etc/passwd; echo 'node:x:1000:' >> $r/etc/group
            """, ["node:24-slim"])
    }

    /// The demo's Debian tree, which has servers that a machine need not have: `$r` is a copy of it.
    private static func makeFromDemo(
        _ world: World, _ script: String, _ name: String, changes: [String] = []
    ) throws {
        let cache =
            ProcessInfo.processInfo.environment["CACHE"] ?? SourceRoot.url.appendingPathComponent(".cache").path
        let made = try Shell.run("CACHE='\(cache)' '\(SourceRoot.url.path)/examples/demo/make-image'", limit: 600)
        guard made.status == 0 else { throw WorldError("making the demo's tree: \(made)") }
        let beginning = "set -e; r=$(mktemp -d); trap 'rm -r \"$r\"' EXIT; tar -xf '\(cache)/demo-tree.tar' -C $r\n"
        try make(world, beginning, script, [name], changes: changes)
    }

    static func nginx(_ world: World) throws {
        try makeFromDemo(
            world,
            """
            # The image that is named is made from busybox, and the health check asks with its wget.
            cp /bin/busybox $r/usr/bin/; ln -s busybox $r/usr/bin/wget
            echo nginx was here > $r/usr/share/nginx/html/50x.html
            echo 'nginx:x:101:101::/nonexistent:/bin/false' >> $r/etc/passwd; echo 'nginx:x:101:' >> $r/etc/group
            """, "nginx:1.28-alpine")
    }

    static func postgres(_ world: World) throws {
        try makeFromDemo(
            world, "ln -s /usr/lib/postgresql/15/bin/pg_isready /usr/lib/postgresql/15/bin/psql $r/usr/local/bin/",
            "postgres:17",
            changes: [
                "ENTRYPOINT [\"postgres-entrypoint\"]", "CMD [\"postgres\", \"-c\", \"listen_addresses=*\"]",
                "ENV LC_ALL=C",
                "ENV PGDATA=/var/lib/postgresql/data",
                "ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            ])
    }
}

@Suite("End to end: init", .serialized)
struct InitTests {
    /// `init`, `up --build --wait`, and what the page says.
    private func answer(_ world: World, port: Int, path: String = "/") throws -> String {
        let made = try world.run("init")
        #expect(made.status == 0 && made.stdout.contains("Wrote Dockerfile"), "\(made)")
        let checked = try world.run("build", "--check")
        #expect(
            checked.status == 0 && !checked.stderr.contains("WARN") && !checked.stderr.contains("warning"), "\(checked)"
        )
        let up = try world.run("--progress", "plain", "up", "-d", "--build", "--wait", limit: 180)
        let logs = up.status == 0 ? "" : try world.run("logs").stdout
        #expect(up.status == 0, "\(up)\n\(logs)")
        return try world.onHost("curl -sS -m 20 http://127.0.0.1:\(port)\(path)").stdout
    }

    /// Everything answers to its health check, as somebody who is not root, and ends when it is told to.
    private func checkLife(_ world: World) throws {
        #expect(try world.run("ps").stdout.contains("(healthy)"))
        let user = try world.run("exec", "-T", "web", "id", "-u")
        #expect(user.status == 0 && user.stdout != "0\n", "\(user)")
        let stopped = try world.run("stop", "web")
        #expect(stopped.status == 0 && stopped.seconds < 8, "it does not listen to its stop signal: \(stopped)")
    }

    static let pythonServer = """
        import os
        from http.server import BaseHTTPRequestHandler, HTTPServer


        class Page(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(os.environ.get("GREETING", "hello").encode())


        if __name__ == "__main__":
            HTTPServer(("0.0.0.0", int(os.environ.get("PORT", 8090))), Page).serve_forever()

        """

    @Test("a Python server with nothing but Python")
    func python() throws {
        try withWorld(image: false) { world in
            try HostImage.python(world)
            try world.write("server.py", InitTests.pythonServer)
            try world.write(".env", "GREETING=good day\n")
            #expect(try answer(world, port: 8090) == "good day")
            let files = try world.run("exec", "-T", "web", "ls", "-A", "/app")
            #expect(files.stdout == "server.py\n", "only the project is in the image: \(files)")
            try checkLife(world)
        }
    }

    @Test(
        "a Flask-like layout: the Procfile's command, a job before, a worker beside")
    func processes() throws {
        try withWorld(image: false) { world in
            try HostImage.python(world, "python:3.12-slim")
            try world.write("app/web.py", InitTests.pythonServer)
            try world.write("app/__init__.py", "")
            try world.write(".python-version", "3.12\n")
            try world.write("main.py", "import time\nprint('working', flush=True)\ntime.sleep(1000)\n")
            try world.write(
                "Procfile",
                "web: env PORT=$PORT python -m app.web\nrelease: python -c \"print('released')\"\nworker: python main.py\n"
            )
            try world.write(".env.example", "PORT=8095\nGREETING=from the example\n")
            #expect(try answer(world, port: 8095) == "from the example")
            let logs = try world.run("logs", "--no-log-prefix", "release", "worker").stdout
            #expect(logs.contains("released") && logs.contains("working"), "\(logs)")
            try checkLife(world)
        }
    }

    @Test("a Node.js server with nothing but Node.js")
    func node() throws {
        try withWorld(image: false) { world in
            try HostImage.node(world)
            try world.write("package.json", "{\"name\": \"hello\", \"scripts\": {\"start\": \"node server.js\"}}\n")
            try world.write(
                "server.js",
                """
                const http = require('node:http');
                const port = process.env.PORT || 3100;
                http.createServer((request, response) => response.end('hello from node')).listen(port);

                """)
            #expect(try answer(world, port: 3100) == "hello from node")
            try checkLife(world)
        }
    }

    @Test("pages that nginx serves, and nothing else of the directory")
    func pages() throws {
        try withWorld(image: false) { world in
            try HostImage.nginx(world)
            try world.write("index.html", "<h1>Welcome</h1>\n")
            try world.write("style.css", "h1 { color: teal }\n")
            try world.write(".env", "SECRET=1\n")
            #expect(try answer(world, port: 8080) == "<h1>Welcome</h1>\n")
            let style = try world.onHost("curl -sSi -m 20 http://127.0.0.1:8080/style.css").stdout
            #expect(style.contains("Content-Type: text/css"), "\(style)")
            for path in [".env", "Dockerfile", "compose.yaml", ".dockerignore", "nothing"] {
                let code = try world.onHost(
                    "curl -sS -m 20 -o /dev/null -w '%{http_code}' http://127.0.0.1:8080/\(path)")
                #expect(code.stdout == "404", "\(path): \(code)")
            }
            let logs = try world.run("logs", "web").stdout
            #expect(logs.contains("GET /style.css"), "what it logs is seen: \(logs)")
            try checkLife(world)
        }
    }

    /// Asks a PostgreSQL server, by the address of the environment, whether it would talk in secret; it says no.
    static let databaseServer = """
        import os
        import socket
        from http.server import BaseHTTPRequestHandler, HTTPServer
        from urllib.parse import urlsplit


        class Page(BaseHTTPRequestHandler):
            def do_GET(self):
                place = urlsplit(os.environ["DATABASE_URL"])
                with socket.create_connection((place.hostname, place.port), 5) as database:
                    database.sendall(bytes([0, 0, 0, 8, 4, 210, 22, 47]))
                    answer = database.recv(1)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(place.path.encode() + b" " + answer)


        if __name__ == "__main__":
            HTTPServer(("", 8070), Page).serve_forever()

        """

    @Test(
        "a project with a database: it is found, started first, and open to the user and password that the project is told"
    )
    func database() throws {
        try withWorld(image: false) { world in
            try HostImage.python(world)
            try HostImage.postgres(world)
            try world.write("app.py", InitTests.databaseServer)
            try world.write(".env.example", "DATABASE_URL=postgres://me:secret@localhost/library\n")
            try world.write(".env", "DB_PASSWORD=of my own\n")
            #expect(try answer(world, port: 8070) == "/library N")
            let asked = try world.run(
                "exec", "-T", "-e", "PGPASSWORD=of my own", "db", "psql", "-h", "127.0.0.1", "-U", "app", "-d",
                "library",
                "-Atc", "select current_user || ' ' || current_database()")
            #expect(asked.stdout == "app library\n", "\(asked)")
            try checkLife(world)
        }
    }

    @Test("what is there is left, what is missing is written, and a failure leaves nothing")
    func existing() throws {
        try withWorld(image: false) { world in
            try world.write("main.py", "print(1)\n")
            try world.write("Dockerfile", "FROM mine\nEXPOSE 7001\n")
            let dry = try world.run("init", "--dry-run")
            #expect(dry.status == 0 && dry.stdout.contains("Would write compose.yaml"), "\(dry)")
            #expect(dry.stdout.contains("\"7001:7001\"") && world.read("compose.yaml").isEmpty, "\(dry)")
            // A link that leads nowhere is something too: it is not written through.
            #expect(try world.onHost("ln -s ../outside compose.yaml").status == 0)
            let refused = try world.run("init")
            #expect(refused.status == 1 && refused.stderr.contains("writing compose.yaml"), "\(refused)")
            #expect(try world.onHost("ls -A").stdout == "Dockerfile\ncompose.yaml\nmain.py\n")
            #expect(try world.onHost("ls ../outside").status != 0)
            #expect(try world.onHost("rm compose.yaml").status == 0)
            let made = try world.run("init", "--format", "json")
            let document = try JSONSerialization.jsonObject(with: Data(made.stdout.utf8)) as? [String: Any]
            #expect(
                (document?["files"] as? [[String: Any]])?.map { $0["path"] as? String } == [
                    ".dockerignore", "compose.yaml",
                ])
            #expect(
                world.read("Dockerfile") == "FROM mine\nEXPOSE 7001\n" && world.read("compose.yaml").contains("7001"))
            #expect(try world.run("config", "-q").status == 0)
            let again = try world.run("init")
            #expect(again.status == 0 && !again.stdout.contains("Wrote"), "\(again)")
        }
    }

    @Test("links out of the directory and loops are not followed; a queue is not waited for")
    func links() throws {
        try withWorld(image: false) { world in
            let made = try world.onHost(
                """
                set -e; mkdir ../other; echo 'flask' > ../other/requirements.txt; echo '{' > ../other/package.json
                ln -s ../other/requirements.txt requirements.txt; ln -s ../other/package.json package.json
                ln -s . loop; ln -s ../.. up; mkfifo pyproject.toml; mkdir sub; ln -s ../../other sub/other
                echo 'print(1)' > main.py
                """)
            #expect(made.status == 0, "\(made)")
            let said = try world.run("init", "--dry-run", limit: 20)
            #expect(said.status == 0 && !said.stdout.contains("Flask") && !said.stdout.contains("pip"), "\(said)")
            #expect(try world.run("init", "nowhere").stderr.contains("looking at nowhere: no such file"))
            #expect(try world.run("init", "sub").stderr.contains("none of requirements.txt"))
        }
    }
}
