// Attributes that show over time, or on the host: health, restarts, signals, streams, reservations, addresses.
import Foundation
import Testing

@Suite("End to end: attributes of a life", .serialized)
struct LifeAttributeTests {
    /// The status of a service's first container as `ps` shows it.
    private func status(_ world: World, _ service: String) throws -> String {
        try world.run("ps", "-a", "--format", "{{.Status}}", service).stdout.trimmingCharacters(in: .newlines)
    }

    @Test(
        "health: start_period forgives, retries count, start_interval is the rhythm; disable and NONE drop the image's")
    func health() throws {
        try withWorld { world in
            let tar = try BusyboxImage.path()
            let imported = try world.run(
                "image", "import", "-c", "HEALTHCHECK --interval=100ms --retries=1 CMD false", tar, "localhost/sick:1")
            #expect(imported.status == 0, "\(imported)")
            try world.write(
                "compose.yaml",
                """
                name: life
                x-base: &base {image: localhost/busybox:1, command: sleep 100000, init: true, volumes: ["./out:/out"]}
                services:
                  forgiven:
                    <<: *base
                    healthcheck:
                      test: echo x >> /out/forgiven; false
                      interval: 1h
                      start_interval: 50ms
                      start_period: 1h
                      retries: 1
                  counted:
                    <<: *base
                    healthcheck: {test: echo x >> /out/counted; false, interval: 50ms, timeout: 1s, retries: 4}
                  slow:
                    <<: *base
                    healthcheck: {test: sleep 60, interval: 50ms, timeout: 100ms, retries: 1}
                  inherited: {image: localhost/sick:1, command: sleep 100000, init: true}
                  disabled: {image: localhost/sick:1, command: sleep 100000, init: true, healthcheck: {disable: true}}
                  none: {image: localhost/sick:1, command: sleep 100000, init: true, healthcheck: {test: [NONE]}}
                """)
            #expect(try world.run("up", "-d").status == 0)
            for service in ["counted", "slow", "inherited"] {
                #expect(try eventually { try status(world, service).contains("(unhealthy)") }, "\(service)")
            }
            #expect(world.read("out/counted").split(separator: "\n").count >= 4)
            #expect(eventually { world.read("out/forgiven").split(separator: "\n").count >= 5 }, "probes go on")
            #expect(try status(world, "forgiven").contains("(health: starting)"))
            for service in ["disabled", "none"] {
                #expect(try !status(world, service).contains("("), "\(service)")
            }
        }
    }

    @Test("restart_policy restarts so often; stop_signal is what stops; container_name is the name")
    func endings() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: life
                services:
                  failing:
                    image: localhost/busybox:1
                    command: sh -c 'echo x >> /out/runs; exit 3'
                    volumes: ["./out:/out"]
                    deploy: {restart_policy: {condition: on-failure, max_attempts: 2}}
                  never:
                    image: localhost/busybox:1
                    command: sh -c 'echo x >> /out/never; exit 3'
                    volumes: ["./out:/out"]
                    restart: always
                    deploy: {restart_policy: {condition: none}}
                  stopped:
                    image: localhost/busybox:1
                    container_name: the-one
                    stop_signal: SIGUSR1
                    stop_grace_period: 1m
                    command: sh -c 'trap "echo asked > /out/asked; exit 7" USR1; trap "" TERM; while :; do sleep 0.1; done'
                    volumes: ["./out:/out"]
                """)
            #expect(try world.run("up", "-d").status == 0)
            #expect(try eventually { try status(world, "failing").hasPrefix("Exited (3)") })
            #expect(world.read("out/runs") == "x\nx\nx\n", "once, and two more times")
            #expect(try eventually { try status(world, "never").hasPrefix("Exited (3)") })
            #expect(world.read("out/never") == "x\n")
            #expect(try world.run("ps", "--format", "{{.Name}}", "stopped").stdout == "the-one\n")
            #expect(try world.run("stop", "stopped").status == 0)
            #expect(world.read("out/asked") == "asked\n")
            #expect(try status(world, "stopped").hasPrefix("Exited (7)"))
        }
    }

    @Test("a port of one address is open there and not elsewhere; reservations and swappiness are in the group")
    func host() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: life
                services:
                  web:
                    image: localhost/busybox:1
                    command: sh -c 'mkdir /w; echo hello > /w/index.html; exec httpd -f -p 80 -h /w'
                    init: true
                    ports: [{target: 80, published: "18080", host_ip: 127.0.0.7, protocol: tcp}]
                    mem_swappiness: 7
                    deploy:
                      resources:
                        limits: {cpus: "0.25", memory: 64M, pids: 50}
                        reservations: {memory: 32M}
                """)
            #expect(try world.run("up", "-d").status == 0)
            let open = try eventually {
                try world.onHost("busybox wget -q -O - http://127.0.0.7:18080/").stdout == "hello\n"
            }
            #expect(open)
            #expect(try world.onHost("busybox wget -q -T 2 -O - http://127.0.0.1:18080/").status != 0)
            func group(_ v1: String, _ v2: String) throws -> String {
                let name = LeakScan.worldName(world.dataRoot) ?? "?"
                return try Shell.run(
                    "find /sys/fs/cgroup -path '*berth-\(name)/*/*' \\( -name \(v1) -o -name \(v2) \\) 2>/dev/null "
                        + "| head -1 | xargs cat"
                ).stdout.trimmingCharacters(in: .whitespacesAndNewlines)
            }
            #expect(try group("memory.soft_limit_in_bytes", "memory.low") == "\(32 << 20)")
            #expect(try group("memory.limit_in_bytes", "memory.max") == "\(64 << 20)")
            #expect(try ["25000", "25000 100000"].contains(group("cpu.cfs_quota_us", "cpu.max")))
            #expect(try group("pids.max", "pids.max") == "50")
            #expect(try ["7", ""].contains(group("memory.swappiness", "memory.swappiness")), "v2 has no swappiness")
        }
    }

    @Test(
        "stdin_open keeps standard input open for who attaches; tty is a terminal; without both there is nothing to read"
    )
    func streams() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: life
                services:
                  reads:
                    image: localhost/busybox:1
                    stdin_open: true
                    command: sh -c 'read line; echo "got $$line" > /out/reads'
                    volumes: ["./out:/out"]
                  closed:
                    image: localhost/busybox:1
                    command: sh -c 'read line; echo "got nothing, $$?" > /out/closed'
                    volumes: ["./out:/out"]
                  terminal:
                    image: localhost/busybox:1
                    tty: true
                    command: sh -c 'test -t 0 && test -t 1 && tty > /out/terminal'
                    volumes: ["./out:/out"]
                """)
            #expect(try world.run("up", "-d").status == 0)
            #expect(eventually { world.read("out/closed") == "got nothing, 1\n" })
            #expect(eventually { world.read("out/terminal") == "/dev/pts/0\n" }, "\(world.read("out/terminal"))")
            #expect(world.read("out/reads") == "")
            _ = try world.run("attach", "reads", input: "words\n")
            #expect(eventually { world.read("out/reads") == "got words\n" })
        }
    }
}
