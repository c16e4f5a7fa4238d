// Names, ports and isolation between containers, from inside and from the host.
import Foundation
import Testing

@Suite("End to end: network", .serialized)
struct NetworkTests {
    static let web = """
        name: net
        services:
          web:
            image: localhost/busybox:1
            command: ["sh", "-c", "mkdir -p /www; hostname > /www/index.html; exec httpd -f -p 80 -h /www"]
            init: true
            ports: ["127.0.0.1:18080:80", "9000"]
            networks: {default: {aliases: [front]}}
          client: {image: "localhost/busybox:1", command: ["sleep", "100000"], init: true}
        """

    @Test("services find each other by service, alias, container name; unknown names do not resolve")
    func names() throws {
        try withWorld { world in
            try world.write("compose.yaml", NetworkTests.web)
            #expect(try world.run("up", "-d", "--scale", "client=1").status == 0)
            for name in ["web", "front", "net-web-1"] {
                let fetched = try world.run("exec", "-T", "client", "wget", "-q", "-O-", "http://\(name)/")
                #expect(fetched.status == 0, "\(name): \(fetched)")
            }
            let unknown = try world.run("exec", "-T", "client", "nslookup", "no-such-name.")
            #expect(unknown.status != 0, "\(unknown)")
            let resolver = try world.run("exec", "-T", "client", "cat", "/etc/resolv.conf")
            #expect(resolver.stdout.contains("nameserver 127.0.0.11"), "\(resolver)")
        }
    }

    @Test("a published port answers on the host; port prints it; the ephemeral one too")
    func published() throws {
        try withWorld { world in
            try world.write("compose.yaml", NetworkTests.web)
            #expect(try world.run("up", "-d").status == 0)
            let page = try world.onHost("curl -sS --max-time 5 http://127.0.0.1:18080/")
            #expect(page.status == 0 && !page.stdout.isEmpty, "\(page)")
            #expect(try world.run("port", "web", "80").stdout == "127.0.0.1:18080\n")
            #expect(try world.run("port", "web", "9000").stdout.hasPrefix("0.0.0.0:"))
        }
    }

    @Test("a taken port is refused before anything is touched, and names its holder")
    func conflict() throws {
        try withWorld { world in
            try world.write("compose.yaml", NetworkTests.web)
            #expect(try world.run("up", "-d").status == 0)
            try world.write(
                "other/compose.yaml", NetworkTests.web.replacingOccurrences(of: "name: net", with: "name: other"))
            let second = try world.run("-f", "other/compose.yaml", "up", "-d")
            #expect(second.status == 1, "\(second)")
            #expect(second.stderr.contains("18080") && second.stderr.contains("net-web-1"), "\(second)")
            #expect(try world.run("-f", "other/compose.yaml", "ps", "-aq").stdout.isEmpty)
        }
    }

    @Test("a change of some ports keeps the others: what the running container holds is not asked for again")
    func changedPorts() throws {
        try withWorld { world in
            func ports(_ list: String) -> String {
                NetworkTests.web.replacingOccurrences(of: "[\"127.0.0.1:18080:80\", \"9000\"]", with: list)
            }
            try world.write("compose.yaml", ports("[\"127.0.0.1:18080:80\"]"))
            #expect(try world.run("up", "-d").status == 0)
            try world.write("compose.yaml", ports("[\"127.0.0.1:18080:80\", \"127.0.0.1:18082:80\"]"))
            let more = try world.run("up", "-d")
            #expect(more.status == 0, "\(more)")
            for port in [18080, 18082] {
                let page = try world.onHost("curl -sS --max-time 5 http://127.0.0.1:\(port)/")
                #expect(page.status == 0, "\(port): \(page)")
            }
            // The same host port for another port inside, where nothing listens.
            try world.write("compose.yaml", ports("[\"127.0.0.1:18082:81\"]"))
            let other = try world.run("up", "-d")
            #expect(other.status == 0, "\(other)")
            #expect(try world.onHost("curl -sS --max-time 5 http://127.0.0.1:18082/").status == 7)
            #expect(try world.run("port", "web", "81").stdout == "127.0.0.1:18082\n")
        }
    }

    @Test("stacks do not reach each other; network_mode none, host and service behave")
    func isolation() throws {
        try withWorld { world in
            try world.write("compose.yaml", NetworkTests.web)
            #expect(try world.run("up", "-d").status == 0)
            let address = try world.run("exec", "-T", "web", "hostname", "-i").stdout
                .trimmingCharacters(in: .whitespacesAndNewlines)
            try world.write(
                "other/compose.yaml",
                """
                name: other
                services:
                  foreign: {image: "localhost/busybox:1", command: ["sleep", "100000"], init: true}
                  alone: {image: "localhost/busybox:1", command: ["sleep", "100000"], init: true, network_mode: none}
                  guest: {image: "localhost/busybox:1", command: ["sleep", "100000"], init: true, network_mode: "service:foreign"}
                """)
            let up = try world.run("-f", "other/compose.yaml", "up", "-d")
            #expect(up.status == 0, "\(up)")
            let reach = try world.run(
                "-f", "other/compose.yaml", "exec", "-T", "foreign", "wget", "-q", "-T", "2", "-O-",
                "http://\(address)/")
            #expect(reach.status != 0, "\(reach)")
            let links = try world.run("-f", "other/compose.yaml", "exec", "-T", "alone", "ls", "/sys/class/net")
            #expect(links.lines == ["lo"], "\(links)")
            let own = try world.run("-f", "other/compose.yaml", "exec", "-T", "foreign", "hostname", "-i")
            let shared = try world.run(
                "-f", "other/compose.yaml", "exec", "-T", "guest", "ip", "-o", "-4", "addr", "show", "eth0")
            #expect(
                shared.stdout.contains(own.stdout.trimmingCharacters(in: .whitespacesAndNewlines)), "\(shared) \(own)")
            _ = try world.run("-f", "other/compose.yaml", "down", "-v", "-t", "0")
        }
    }
}
