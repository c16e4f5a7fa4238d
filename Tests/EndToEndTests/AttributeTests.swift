// Each attribute of a service, seen from inside a running container (or on the host, where that is where it shows).
import Foundation
import Testing

@Suite("End to end: attributes", .serialized)
struct AttributeTests {
    static let process = """
        name: attr
        services:
          seen:
            image: localhost/busybox:1
            command: ["sleep", "100000"]
            init: true
            user: "1000:2000"
            group_add: ["3000"]
            working_dir: /made/here
            hostname: seen-host
            domainname: example.test
            env_file: [one.env, {path: two.env, format: raw}, {path: gone.env, required: false}]
            environment: {OWN: own, OVER: own, INHERITED: , UNSET: }
            labels: {team: blue}
            cap_drop: [ALL]
            cap_add: [NET_BIND_SERVICE]
            security_opt: ["no-new-privileges:true"]
            read_only: true
            tmpfs: ["/scratch:size=1m,mode=1770"]
            shm_size: 8m
            ulimits: {nofile: {soft: 512, hard: 1024}, core: 0}
            sysctls: {net.core.somaxconn: 77}
            extra_hosts: ["db.test=10.9.8.7", "gw.test=host-gateway"]
            dns: [10.0.0.53]
            dns_search: [corp.test]
            dns_opt: ["timeout:3"]
            mem_limit: 48m
            memswap_limit: 48m
            cpus: 0.5
            pids_limit: 60
            oom_score_adj: 300
            devices: ["/dev/null:/dev/hole:r"]
        """

    @Test("process, identity, limits and files of one service")
    func process() throws {
        try withWorld { world in
            try world.write("compose.yaml", AttributeTests.process)
            try world.write("one.env", "FILE=\"quoted\"\nOVER=file\n")
            try world.write("two.env", "RAW=\"kept\"\n")
            let up = try world.run("up", "-d", environment: ["INHERITED": "yes"])
            #expect(up.status == 0, "\(up)")
            func inside(_ script: String) throws -> String {
                let output = try world.run("exec", "-T", "seen", "sh", "-c", script)
                return output.stdout.trimmingCharacters(in: .newlines) + (output.status == 0 ? "" : output.stderr)
            }
            #expect(try inside("id -u; id -g; id -G") == "1000\n2000\n2000 3000")
            #expect(
                try inside("pwd; hostname; cat /proc/sys/kernel/domainname") == "/made/here\nseen-host\nexample.test")
            #expect(
                try inside("echo $OWN $OVER $FILE $RAW $INHERITED ${UNSET-unset}")
                    == "own own quoted \"kept\" yes unset")
            let status = try inside("cat /proc/1/status")
            #expect(status.contains("CapBnd:\t0000000000000400"), "\(status)")
            #expect(status.contains("NoNewPrivs:\t1"), "\(status)")
            #expect(try inside("touch /x 2>&1; true").contains("Read-only file system"))
            let mounts = try inside("cat /proc/mounts")
            #expect(
                mounts.contains(" /scratch tmpfs rw,nosuid,nodev,noexec,relatime,size=1024k,mode=1770"), "\(mounts)")
            #expect(mounts.contains(" /dev/shm tmpfs rw,nosuid,nodev,noexec,relatime,size=8192k"), "\(mounts)")
            #expect(try inside("ulimit -Sn; ulimit -Hn; ulimit -c") == "512\n1024\n0")
            #expect(try inside("cat /proc/sys/net/core/somaxconn; cat /proc/1/oom_score_adj") == "77\n300")
            let hosts = try inside("cat /etc/hosts")
            #expect(hosts.contains("10.9.8.7\tdb.test") && hosts.contains("gw.test"), "\(hosts)")
            let resolver = try inside("cat /etc/resolv.conf")
            #expect(resolver.contains("search corp.test") && resolver.contains("timeout:3"), "\(resolver)")
            #expect(try inside("ls -l /dev/hole | cut -c1; echo x > /dev/hole; cat /dev/hole; echo done").contains("c"))
            let memory = try cgroupValue(world, "memory", "memory.limit_in_bytes", "memory.max")
            #expect(memory == "\(48 << 20)", "\(memory)")
            let processes = try cgroupValue(world, "pids", "pids.max", "pids.max")
            #expect(processes == "60", "\(processes)")
            let quota = try cgroupValue(world, "cpu", "cpu.cfs_quota_us", "cpu.max")
            #expect(["50000", "50000 100000"].contains(quota), "\(quota)")
            let listed = try world.run("ps", "--format", "json")
            #expect(listed.stdout.contains("team=blue"), "\(listed)")
        }
    }

    /// A limit of the world's only container, on v1 or v2.
    private func cgroupValue(_ world: World, _ controller: String, _ v1: String, _ v2: String) throws -> String {
        let name = LeakScan.worldName(world.dataRoot) ?? "?"
        let found = try Shell.run(
            "for d in /sys/fs/cgroup/\(controller) /sys/fs/cgroup; do find $d -path '*berth-\(name)/*/*' -name \(v1) "
                + "-o -path '*berth-\(name)/*/*' -name \(v2); done 2>/dev/null | head -1 | xargs cat")
        return found.stdout.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test("namespaces, privileges and storage shared between services")
    func sharing() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: share
                x-idle: &idle {image: "localhost/busybox:1", command: ["sleep", "100000"], init: true, stop_grace_period: 1s}
                services:
                  owner:
                    <<: *idle
                    ipc: shareable
                    volumes: ["kept:/kept", "./bound:/bound:ro", "/anonymous"]
                  guest:
                    <<: *idle
                    pid: "service:owner"
                    network_mode: "service:owner"
                    volumes_from: ["owner:ro"]
                  powerful: {<<: *idle, privileged: true}
                  host: {<<: *idle, network_mode: host, pid: host, uts: host}
                  open: {<<: *idle, security_opt: ["seccomp:unconfined"], cap_add: [SYS_ADMIN]}
                  several: {<<: *idle, deploy: {replicas: 2, resources: {limits: {memory: 32m, cpus: "0.25", pids: 30}}}}
                volumes: {kept: {name: really-kept, labels: {a: b}}}
                """)
            try world.write("bound/file", "from the host\n")
            let up = try world.run("up", "-d")
            #expect(up.status == 0, "\(up)")
            func inside(_ service: String, _ script: String) throws -> String {
                let output = try world.run("exec", "-T", service, "sh", "-c", script)
                return output.stdout.trimmingCharacters(in: .newlines) + (output.status == 0 ? "" : output.stderr)
            }
            #expect(
                try inside("owner", "cat /bound/file; echo kept > /kept/x; touch /bound/no 2>&1 | grep -c Read-only")
                    == "from the host\n1")
            #expect(try inside("guest", "cat /kept/x; touch /kept/no 2>&1 | grep -c Read-only") == "kept\n1")
            for namespace in ["pid", "net"] {
                let link = "readlink /proc/self/ns/\(namespace)"
                #expect(try inside("owner", link) == inside("guest", link), "\(namespace)")
            }
            #expect(
                try inside("powerful", "grep CapEff /proc/self/status; grep Seccomp: /proc/self/status").contains(
                    "Seccomp:\t0"))
            #expect(try inside("powerful", "mount -o remount,rw /sys && echo writable") == "writable")
            let mine = try world.onHost(
                "readlink /proc/self/ns/net; readlink /proc/self/ns/pid; readlink /proc/self/ns/uts")
            #expect(
                try inside("host", "readlink /proc/self/ns/net; readlink /proc/self/ns/pid; readlink /proc/self/ns/uts")
                    + "\n" == mine.stdout)
            #expect(
                try inside("open", "grep Seccomp: /proc/self/status; mkdir /m; mount -t tmpfs x /m && echo mounted")
                    .contains("Seccomp:\t0\nmounted"))
            #expect(try world.run("ps", "-q", "several").lines.count == 2)
            #expect(try world.run("volumes", "-q").stdout == "really-kept\n")
        }
    }

    @Test("networks: fixed addresses, aliases, pools, internal, external, none")
    func networks() throws {
        try withWorld { world in
            try world.write(
                "shared.yaml",
                "name: shared\nservices: {s: {image: \"localhost/busybox:1\", command: [\"sleep\", \"1000\"], init: true, networks: [lan]}}\nnetworks: {lan: {name: the-lan}}\n"
            )
            try world.write(
                "compose.yaml",
                """
                name: nets
                x-idle: &idle {image: "localhost/busybox:1", command: ["sleep", "100000"], init: true}
                services:
                  fixed:
                    <<: *idle
                    networks:
                      front: {ipv4_address: 10.77.0.50, aliases: [known-as]}
                      inner:
                  asking: {<<: *idle, networks: [front, the-lan]}
                  closed: {<<: *idle, networks: [inner]}
                  none: {<<: *idle, network_mode: none}
                networks:
                  front: {driver: bridge, ipam: {config: [{subnet: 10.77.0.0/24, ip_range: 10.77.0.128/25, gateway: 10.77.0.9}]}}
                  inner: {internal: true}
                  the-lan: {external: true}
                """)
            #expect(
                try world.run("up", "-d").stderr.contains("the-lan"), "an external network that is not there is named")
            #expect(try world.run("-f", "shared.yaml", "up", "-d").status == 0)
            let up = try world.run("up", "-d")
            #expect(up.status == 0, "\(up)")
            func inside(_ service: String, _ script: String) throws -> String {
                let output = try world.run("exec", "-T", service, "sh", "-c", script)
                return output.stdout.trimmingCharacters(in: .newlines)
            }
            #expect(try inside("fixed", "ip -o -4 addr").contains("10.77.0.50/24"))
            #expect(try inside("asking", "nslookup known-as 127.0.0.11 | tail -3").contains("10.77.0.50"))
            #expect(try inside("asking", "nslookup s 127.0.0.11 | tail -3").contains("Address"))
            let pool = try inside("asking", "ip -o -4 addr | grep -o '10.77.0.[0-9]*/' | head -1")
            #expect((128...254).contains(Int(pool.dropFirst(8).dropLast()) ?? 0), "\(pool)")
            #expect(try inside("asking", "ip route | grep default").contains("10.77.0.9"))
            #expect(try inside("closed", "ip route | grep -c default") == "0")
            #expect(try inside("none", "ip -o link | wc -l") == "1")
            #expect(try world.run("down").status == 0)
            #expect(try world.run("-f", "shared.yaml", "down").status == 0)
        }
    }

    @Test("files: include, extends and profiles bring what they say")
    func files() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: parts
                include: [sub/part.yaml]
                services:
                  web: {extends: {file: sub/base.yaml, service: base}, environment: {OWN: web}, depends_on: [helper]}
                  tool: {image: "localhost/busybox:1", command: ["sleep", "1000"], init: true, profiles: [tools]}
                """)
            try world.write("sub/.env", "WHO=included\n")
            try world.write(
                "sub/part.yaml",
                "services: {helper: {image: \"localhost/busybox:1\", command: [\"sleep\", \"1000\"], init: true, environment: {WHO: \"${WHO}\"}, volumes: [\"./data:/data\"]}}\n"
            )
            try world.write("sub/data/file", "beside the part\n")
            try world.write(
                "sub/base.yaml",
                "services: {base: {image: \"localhost/busybox:1\", command: [\"sleep\", \"1000\"], init: true, env_file: base.env}}\n"
            )
            try world.write("sub/base.env", "BASE=yes\n")
            #expect(try world.run("up", "-d").status == 0)
            #expect(
                try world.run("exec", "-T", "helper", "sh", "-c", "echo $WHO; cat /data/file").stdout
                    == "included\nbeside the part\n")
            #expect(try world.run("exec", "-T", "web", "sh", "-c", "echo $BASE $OWN").stdout == "yes web\n")
            #expect(try world.run("ps", "--services").stdout == "helper\nweb\n")
            #expect(try world.run("--profile", "tools", "up", "-d").status == 0)
            #expect(try world.run("ps", "--services").stdout == "helper\ntool\nweb\n")
        }
    }

    @Test("whoever runs in a container opens its streams by name, with a terminal and without")
    func streamsByName() throws {
        try withWorld { world in
            let script = "id -un > /dev/stdout; echo warned > /dev/stderr; exec sleep 1000"
            try world.write(
                "compose.yaml",
                """
                name: streams
                services:
                  piped: {image: "localhost/busybox:1", init: true, user: guest, command: ["sh", "-c", "\(script)"]}
                  typed: {image: "localhost/busybox:1", tty: true, user: guest, command: ["sh", "-c", "\(script)"]}
                """)
            #expect(try world.run("up", "-d").status == 0)
            for service in ["piped", "typed"] {
                let isSaid = try eventually {
                    let said = try world.run("logs", "--no-log-prefix", service).stdout
                    return said.contains("guest") && said.contains("warned")
                }
                #expect(isSaid, "\(service) says nothing")
                let other = try world.run("exec", "-T", "-u", "2000", service, "sh", "-c", "id -u > /dev/stdout")
                #expect(other.stdout == "2000\n", "\(other)")
            }
        }
    }

    @Test("logs keep to their size; local and none are what they say")
    func logging() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: logs
                services:
                  small:
                    image: localhost/busybox:1
                    command: ["sh", "-c", "i=0; while [ $$i -lt 3000 ]; do echo line $$i of the log; i=$$((i+1)); done"]
                    logging: {driver: json-file, options: {max-size: 10k, max-file: "2"}}
                  silent:
                    image: localhost/busybox:1
                    command: ["echo", "nobody keeps this"]
                    logging: {driver: none}
                """)
            #expect(try world.run("up").status == 0)
            let sizes = try Shell.run(
                "find \(world.dataRoot)/logs -type f -size +12k | wc -l; find \(world.dataRoot)/logs -type f | wc -l")
            #expect(sizes.lines.first?.trimmingCharacters(in: .whitespaces) == "0", "\(sizes)")
            let kept = try world.run("logs", "--no-log-prefix", "small")
            #expect(kept.lines.last == "line 2999 of the log" && kept.lines.count < 1000, "\(kept.lines.count)")
            #expect(!(try world.run("logs", "silent").stdout.contains("nobody keeps this")))
        }
    }
}
