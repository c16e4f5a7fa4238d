// Images on their way to Debian's registry and back: many layers, several platforms, much content, bad connections.
import Foundation
import Testing

@Suite("End to end: rounds through a registry", .serialized)
struct RegistryRoundTests {
    /// Makes a layout and gives it to a registry with skopeo.
    private func seed(
        _ world: World, _ target: String, layers: Int, bytes: Int, _ platforms: String = ""
    ) throws -> String {
        let layout = world.root.appendingPathComponent("layout-\(layers)-\(bytes)").path
        let made = try world.onHost(
            "'\(Fixture.path("make-many"))' '\(layout)' \(layers) \(bytes) \(platforms) && "
                + "skopeo copy -q --all --insecure-policy --dest-tls-verify=false oci:\(layout):latest docker://\(target)",
            limit: 120)
        guard made.status == 0 else { throw WorldError("seeding the registry: \(made)") }
        return layout
    }

    private func digest(_ world: World, _ name: String) throws -> String {
        try world.onHost("skopeo inspect --raw --tls-verify=false docker://\(name) | sha256sum | cut -c1-64").stdout
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test("60 layers: the same digests on both sides of a pull and a push")
    func layers() throws {
        try withWorld(image: false) { world in
            let registry = try RealRegistry(world, port: 5811)
            defer { registry.stop() }
            _ = try seed(world, "127.0.0.1:5811/many:1", layers: 60, bytes: 60 * 4096)
            let pulled = try world.run("image", "pull", "127.0.0.1:5811/many:1")
            #expect(pulled.status == 0, "\(pulled)")
            #expect(try world.run("image", "tag", "127.0.0.1:5811/many:1", "127.0.0.1:5811/copy:1").status == 0)
            let pushed = try world.run("image", "push", "127.0.0.1:5811/copy:1")
            let before = try digest(world, "127.0.0.1:5811/many:1")
            #expect(pushed.status == 0 && pushed.stdout == "1: digest: sha256:\(before)\n", "\(pushed)")
            #expect(try digest(world, "127.0.0.1:5811/copy:1") == before)
            // Nothing of it was sent: the registry had it under another name.
            let mounted = pushed.stderr.split(separator: "\n").filter { $0.contains("Mounted") }
            #expect(mounted.count == 61, "\(pushed)")
        }
    }

    @Test("four platforms: each is pulled by name, and an index of them gives others the same four")
    func platforms() throws {
        try withWorld(image: false) { world in
            let registry = try RealRegistry(world, port: 5812)
            defer { registry.stop() }
            let names = ["linux/amd64", "linux/arm64/v8", "linux/arm/v7", "linux/s390x"]
            _ = try seed(
                world, "127.0.0.1:5812/app:1", layers: 3, bytes: 30000, names.joined(separator: " "))
            var tags: [String] = []
            for (index, name) in names.enumerated() {
                let pulled = try world.run("image", "pull", "--platform", name, "127.0.0.1:5812/app:1")
                #expect(pulled.status == 0, "\(pulled)")
                tags.append("localhost/own:p\(index)")
                #expect(try world.run("image", "tag", "127.0.0.1:5812/app:1", tags[index]).status == 0)
                let shown = try world.run("image", "inspect", tags[index]).stdout
                #expect(shown.contains("\"\(name.split(separator: "/")[1])\""), "\(shown)")
            }
            // Out of the store and in again: the platforms are what they were.
            let archive = world.root.appendingPathComponent("all.tar").path
            #expect(try world.start(["image", "save", "-o", archive] + tags).wait().status == 0)
            #expect(try world.start(["image", "rm", "-f"] + tags).wait().status == 0)
            let loaded = try world.run("image", "load", "-i", archive)
            #expect(loaded.status == 0 && loaded.lines.count == 4, "\(loaded)")
            let pushed = try world.start(["image", "index", "127.0.0.1:5812/mine:2"] + tags).wait()
            let raw = try digest(world, "127.0.0.1:5812/mine:2")
            #expect(pushed.status == 0 && pushed.stdout == "2: digest: sha256:\(raw)\n", "\(pushed)")
            func manifests(_ name: String) throws -> [String] {
                let text = try world.onHost("skopeo inspect --raw --tls-verify=false docker://127.0.0.1:5812/\(name)")
                let index = try JSONSerialization.jsonObject(with: Data(text.stdout.utf8)) as? [String: Any]
                let all = index?["manifests"] as? [[String: Any]] ?? []
                return all.map { entry in
                    let platform = entry["platform"] as? [String: String] ?? [:]
                    let parts = ["os", "architecture", "variant"].compactMap { platform[$0] }
                    return "\(entry["digest"] ?? "") \(entry["size"] ?? "") \(parts.joined(separator: "/"))"
                }
            }
            #expect(try manifests("mine:2") == manifests("app:1"))
            let out = world.root.appendingPathComponent("out").path
            let copied = try world.onHost(
                "skopeo copy -q --all --insecure-policy --src-tls-verify=false docker://127.0.0.1:5812/mine:2 "
                    + "oci:\(out):latest")
            #expect(copied.status == 0, "\(copied)")
            let twice = try world.run("image", "index", "127.0.0.1:5812/mine:3", tags[0], tags[0])
            #expect(twice.status == 1 && twice.stderr.contains("two of its images are for linux/amd64"), "\(twice)")
        }
    }

    @Test("300 MB in 8 layers: no process of the worker's holds more than 64 MiB beyond what it begins with")
    func memory() throws {
        try withWorld(image: false) { world in
            let registry = try RealRegistry(world, port: 5813)
            defer { registry.stop() }
            _ = try seed(world, "127.0.0.1:5813/big:1", layers: 8, bytes: 300_000_000)
            // The worker's processes are watched while they run; the peak is the kernel's own.
            func peak(_ arguments: [String]) throws -> (kilobytes: Int, output: Output) {
                let program = try world.start(arguments)
                var highest = 0
                _ = eventually(120) {
                    for pid in LeakScan.processes(of: world.root.path) {
                        guard let text = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8),
                            text.hasPrefix("Name:\tberth-worker")
                        else { continue }
                        let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
                        highest = max(highest, Int(line.filter(\.isNumber)) ?? 0)
                    }
                    return !program.isRunning
                }
                return (highest, program.wait())
            }
            let idle = try peak(["image", "pull", "127.0.0.1:5813/none:1"]).kilobytes
            let pulled = try peak(["image", "pull", "127.0.0.1:5813/big:1"])
            #expect(pulled.output.status == 0, "\(pulled.output)")
            #expect(idle > 0 && pulled.kilobytes - idle <= 64 << 10, "pull: \(pulled.kilobytes) KiB, idle \(idle)")
            let other = try RealRegistry(world, port: 5814)
            defer { other.stop() }
            #expect(try world.run("image", "tag", "127.0.0.1:5813/big:1", "127.0.0.1:5814/big:1").status == 0)
            let pushed = try peak(["image", "push", "127.0.0.1:5814/big:1"])
            #expect(pushed.output.status == 0, "\(pushed.output)")
            #expect(pushed.kilobytes - idle <= 64 << 10, "push: \(pushed.kilobytes) KiB, idle \(idle)")
            #expect(try digest(world, "127.0.0.1:5814/big:1") == digest(world, "127.0.0.1:5813/big:1"))
        }
    }

    @Test("connections cut at 20 seeded points: pull and push end in the same image", arguments: [3, 4])
    func cuts(seed number: Int) throws {
        try withWorld(image: false) { world in
            let registry = try RealRegistry(world, port: 5815)
            defer { registry.stop() }
            _ = try seed(world, "127.0.0.1:5815/cut:1", layers: 4, bytes: 16_000_000)
            let way = try Between(
                world, "cutting-proxy", ["127.0.0.1:5816", "127.0.0.1:5815", "\(number)", "20", "DOWN"])
            defer { way.stop() }
            let pulled = try world.run("image", "pull", "127.0.0.1:5816/cut:1")
            #expect(pulled.status == 0, "\(pulled)")
            let hits = try way.lines().count
            #expect(hits == 20)
            #expect(try world.run("system", "check").status == 0)
            #expect(try world.run("image", "tag", "127.0.0.1:5816/cut:1", "127.0.0.1:5817/back:1").status == 0)
            // Parts of a blob that were half taken are begun again, so the cuts are fewer.
            let back = try Between(
                world, "cutting-proxy", ["127.0.0.1:5817", "127.0.0.1:5815", "\(number)", "4", "UP"])
            defer { back.stop() }
            let pushed = try world.run("image", "push", "127.0.0.1:5817/back:1")
            #expect(pushed.status == 0, "\(pushed)")
            #expect(try back.lines().count >= 2)
            #expect(try digest(world, "127.0.0.1:5815/back:1") == digest(world, "127.0.0.1:5815/cut:1"))
        }
    }

    @Test("a credential helper on PATH is asked for the registry's name, and its login opens the registry")
    func helper() throws {
        try withWorld(image: false) { world in
            let fake = try FakeRegistry(world)
            defer { fake.stop() }
            let home = world.root.appendingPathComponent("home").path
            let made = try Shell.run(
                """
                set -e; mkdir -p '\(home)/.docker' '\(home)/bin'
                printf '{"credHelpers":{"\(FakeRegistry.address)":"berth-test"}}' > '\(home)/.docker/config.json'
                cat > '\(home)/bin/docker-credential-berth-test' <<'END'
                #!/bin/sh
                printf '%s %s\\n' "$1" "$(cat)" >> '\(home)/asked'
                if [ "$1" = get ]; then printf '{"ServerURL":"x","Username":"user","Secret":"secret word"}'; fi
                END
                chmod 755 '\(home)/bin/docker-credential-berth-test'
                """)
            #expect(made.status == 0, "\(made)")
            let environment = ["HOME": home, "PATH": "\(home)/bin:\(Shell.path)"]
            let image = "\(FakeRegistry.address)/basic/app:1"
            let without = try world.run("image", "pull", image, environment: ["HOME": home])
            #expect(without.status == 1 && without.stderr.contains("berth login"), "\(without)")
            let with = try world.run("image", "pull", image, environment: environment)
            #expect(with.status == 0, "\(with)")
            let asked = try String(contentsOfFile: "\(home)/asked", encoding: .utf8)
            #expect(asked == "get \(FakeRegistry.address)\n")
            let login = try world.run(
                "login", "-u", "user", "--password-stdin", FakeRegistry.address, environment: environment,
                input: "secret word\n")
            #expect(login.status == 0, "\(login)")
            let stored = try String(contentsOfFile: "\(home)/asked", encoding: .utf8)
            #expect(stored.contains("store {"), "\(stored)")
            let file = try String(contentsOfFile: "\(home)/.docker/config.json", encoding: .utf8)
            #expect(!file.contains("c2VjcmV0"), "the file keeps no secret: \(file)")
            #expect(try world.run("logout", FakeRegistry.address, environment: environment).status == 0)
            let erased = try String(contentsOfFile: "\(home)/asked", encoding: .utf8)
            #expect(erased.contains("erase \(FakeRegistry.address)\n"), "\(erased)")
        }
    }

    @Test("a proxy is gone through by CONNECT for registries with TLS, with its own login; NO_PROXY goes around it")
    func proxy() throws {
        try withWorld(image: false) { world in
            #expect(try world.onHost("ip addr add 10.99.0.1/32 dev lo").status == 0)
            defer { _ = try? world.onHost("ip addr del 10.99.0.1/32 dev lo") }
            // The name is known to the proxy alone.
            let certificate = try Certificate(world, names: "DNS:shop.test")
            let fake = try FakeRegistry(world, address: "10.99.0.1:80", tls: ("10.99.0.1:5903", certificate))
            defer { fake.stop() }
            let proxy = try Between(world, "connect-proxy", ["127.0.0.1:3128", "shop.test=10.99.0.1"])
            defer { proxy.stop() }
            let home = world.root.appendingPathComponent("home").path
            let trust = try Shell.run(
                "mkdir -p '\(home)/.config/berth/certs.d/shop.test:5903' && "
                    + "cp '\(certificate.path)' '\(home)/.config/berth/certs.d/shop.test:5903/ca.crt'")
            #expect(trust.status == 0)
            let image = "shop.test:5903/basic/app:1"
            let login = Data("user:secret word".utf8).base64EncodedString()
            var environment = [
                "HOME": home, "HTTPS_PROXY": "http://me:my%20word@127.0.0.1:3128",
                "DOCKER_AUTH_CONFIG": "{\"auths\":{\"shop.test:5903\":{\"auth\":\"\(login)\"}}}",
            ]
            let pulled = try world.run("image", "pull", image, environment: environment)
            #expect(pulled.status == 0, "\(pulled)")
            let own = Data("me:my word".utf8).base64EncodedString()
            let seen = try proxy.lines()
            #expect(!seen.isEmpty && seen.allSatisfy { $0.hasPrefix("CONNECT shop.test:5903 ") }, "\(seen)")
            #expect(seen.allSatisfy { $0.contains("Basic \(own)") && !$0.contains(login) }, "\(seen)")
            environment["NO_PROXY"] = "shop.test"
            #expect(try world.run("image", "pull", image, environment: environment).status == 1)
            #expect(try proxy.lines().count == seen.count)
            environment["NO_PROXY"] = nil
            environment["HTTPS_PROXY"] = "http://127.0.0.1:3129"
            let dead = try world.run("image", "pull", image, environment: environment)
            #expect(dead.status == 1, "a proxy that is not there is not gone around: \(dead)")
        }
    }
}
