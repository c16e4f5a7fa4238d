// What a service says about its place in networks, seen from inside its container.
import Foundation
import Testing

@Suite("End to end: attributes of networks", .serialized)
struct NetworkAttributeTests {
    private func address(_ world: World, _ file: String, _ service: String) throws -> String {
        try world.run("-f", file, "exec", "-T", service, "hostname", "-i").stdout
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test("network_mode: bridge is one network for all stacks, without service names; it goes with its last container")
    func hostBridge() throws {
        try withWorld { world in
            let serve = "mkdir -p /www; echo $$NAME > /www/index.html; exec httpd -f -p 80 -h /www"
            for name in ["one", "two"] {
                try world.write(
                    "\(name).yaml",
                    """
                    name: \(name)
                    services:
                      web:
                        image: localhost/busybox:1
                        command: ["sh", "-c", "\(serve)"]
                        environment: {NAME: \(name)}
                        init: true
                        network_mode: bridge
                        \(name == "one" ? "ports: [\"18081:80\"]" : "")
                      client:
                        image: localhost/busybox:1
                        command: sleep 100000
                        init: true
                        network_mode: bridge
                        links: ["web:server"]
                    """)
                let up = try world.run("-f", "\(name).yaml", "up", "-d")
                #expect(up.status == 0, "\(up)")
            }
            #expect(try world.onHost("curl -sS --max-time 5 http://127.0.0.1:18081/").stdout == "one\n")
            for name in ["one", "two"] {
                let address = try address(world, "\(name).yaml", "web")
                let across = try world.run(
                    "-f", "one.yaml", "exec", "-T", "client", "wget", "-q", "-O-", "http://\(address)/")
                #expect(across.stdout == "\(name)\n", "all stacks are in one network: \(across)")
                let linked = try world.run(
                    "-f", "\(name).yaml", "exec", "-T", "client", "wget", "-q", "-O-", "http://server/")
                #expect(linked.stdout == "\(name)\n", "a link leads to its own stack: \(linked)")
                let named = try world.run("-f", "\(name).yaml", "exec", "-T", "client", "nslookup", "web")
                #expect(named.status != 0, "a service's name is no name here: \(named)")
            }
            let first = try world.run("-f", "one.yaml", "down")
            #expect(first.status == 0 && !first.stderr.contains("Network"), "\(first)")
            let address = try address(world, "two.yaml", "web")
            let left = try world.run("-f", "two.yaml", "exec", "-T", "client", "wget", "-q", "-O-", "http://\(address)/")
            #expect(left.stdout == "two\n")
            let second = try world.run("-f", "two.yaml", "down")
            #expect(second.status == 0 && second.stderr.contains("Network bridge  Removed"), "\(second)")
        }
    }

    @Test("priority orders the interfaces, gw_priority chooses the way out, names and further addresses are as asked")
    func places() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: places
                services:
                  web:
                    image: localhost/busybox:1
                    command: sleep 100000
                    init: true
                    networks:
                      a: {interface_name: alpha, mac_address: "02:00:00:00:00:08", link_local_ips: [169.254.8.8]}
                      b: {gw_priority: 10}
                      c: {priority: 5, ipv4_address: 10.77.3.9}
                networks:
                  a: {ipam: {config: [{subnet: 10.77.1.0/24}]}}
                  b: {ipam: {config: [{subnet: 10.77.2.0/24}]}}
                  c: {ipam: {config: [{subnet: 10.77.3.0/24}]}}
                """)
            let up = try world.run("up", "-d")
            #expect(up.status == 0 && !up.stderr.contains("warning"), "\(up)")
            let route = try world.run("exec", "-T", "web", "ip", "route").stdout
            #expect(route.contains("default via 10.77.2.1"), "\(route)")
            func link(_ name: String) throws -> String {
                try world.run("exec", "-T", "web", "ip", "addr", "show", name).stdout
            }
            #expect(try link("eth0").contains("inet 10.77.3.9/24"), "the highest priority is first")
            let alpha = try link("alpha")
            for part in ["inet 10.77.1.", "inet 169.254.8.8/16", "link/ether 02:00:00:00:00:08"] {
                #expect(alpha.contains(part), "\(part): \(alpha)")
            }
        }
    }
}
