// Rows S55–S65 of the attacks on images that the other suites do not have: each is one refusal, and nothing is left.
import Foundation
import Testing

@Suite("End to end: attacks on images", .serialized)
struct AttackRowTests {
    private func pull(_ world: World, _ image: String, _ environment: [String: String] = [:]) throws -> Output {
        let home = world.root.appendingPathComponent("home").path
        return try world.run("image", "pull", image, environment: ["HOME": home].merging(environment) { $1 }, limit: 30)
    }

    private func stored(_ world: World) throws -> String {
        try Shell.run("cd '\(world.dataRoot)' && find blobs ingest layers -mindepth 1 ! -name sha256 | sort").stdout
    }

    @Test("S55, S57, S60: digests that are none, counts and sizes that lie, tokens without end, redirects to no web")
    func lies() throws {
        try withWorld(image: false) { world in
            let fake = try FakeRegistry(world)
            defer { fake.stop() }
            let expected = [
                ("upper", "is not what it should be"), ("short63", "is not what it should be"),
                ("md5", "is not what it should be"), ("fewer", "4 layers, but the config names 5"),
                ("swapped", "disagree"), ("hugeconfig", "a document of 5368709120 bytes is none"),
                ("indexsize", "another size than its index says"), ("bytes", "is not what it should be"),
                ("bigtoken", "its token is longer than"), ("unix", "which is no web address"),
                ("gopher", "which is no web address"), ("user", "which is no web address"),
            ]
            for (mode, words) in expected {
                let output = try pull(world, "\(FakeRegistry.address)/\(mode)/app:1")
                #expect(output.status == 1 && output.stderr.contains(words), "\(mode): \(output)")
                #expect(try stored(world) == "", "\(mode)")
            }
            let strangers = try fake.requests().filter { $0.host == FakeRegistry.stranger }
            #expect(strangers.isEmpty, "\(strangers)")
        }
    }

    @Test("S63: a digest is what is pulled, whatever the tag beside it leads to; names that only look alike are none")
    func digests() throws {
        try withWorld(image: false) { world in
            let fake = try FakeRegistry(world)
            defer { fake.stop() }
            let wrong = String(repeating: "0", count: 64)
            let output = try pull(world, "\(FakeRegistry.address)/otherdigest/app:1@sha256:\(wrong)")
            #expect(output.status == 1 && output.stderr.contains("its content is"), "\(output)")
            #expect(try stored(world) == "")
            for name in ["Ubuntu", "аpp", "app:1@sha256:abc", "app@", "a//b", "app:-x", "http://127.0.0.1:5900/app"] {
                let refused = try pull(world, name)
                #expect(refused.status == 1 && refused.stderr.contains("invalid reference format"), "\(refused)")
            }
            #expect(try fake.requests().count <= 1)
        }
    }

    @Test("S58: what a registry with TLS asks for goes over TLS alone: no redirect, no token service without it")
    func downgrade() throws {
        try withWorld(image: false) { world in
            let secure = "127.0.0.1:5902"
            let fake = try FakeRegistry(
                world, tls: (secure, try Certificate(world, names: "IP:127.0.0.1")))
            defer { fake.stop() }
            #expect(try pull(world, "\(secure)/plain/app:1").status == 0)
            let moved = try pull(world, "\(secure)/moved/app:1")
            #expect(moved.status == 0, "its layers are here: \(moved)")
            #expect(try world.run("image", "rm", "-f", "\(secure)/plain/app:1", "\(secure)/moved/app:1").status == 0)
            let redirected = try pull(world, "\(secure)/moved/app:1")
            #expect(redirected.status == 1 && redirected.stderr.contains("from https to plain http"), "\(redirected)")
            let realm = try pull(world, "\(secure)/realm/app:1")
            #expect(realm.status == 1 && realm.stderr.contains("which is not https"), "\(realm)")
            let strangers = try fake.requests().filter { $0.host == FakeRegistry.stranger }
            #expect(strangers.isEmpty, "\(strangers)")
        }
    }

    @Test("S59: after a certificate that is not trusted nobody is asked without one, unless it is said to be insecure")
    func noFallback() throws {
        try withWorld(image: false) { world in
            #expect(try world.onHost("ip addr add 10.99.0.1/32 dev lo").status == 0)
            defer { _ = try? world.onHost("ip addr del 10.99.0.1/32 dev lo") }
            let fake = try FakeRegistry(
                world, address: "10.99.0.1:80",
                tls: ("10.99.0.1:443", try Certificate(world, names: "IP:10.99.0.1")))
            defer { fake.stop() }
            let refused = try pull(world, "10.99.0.1/plain/app:1")
            #expect(refused.status == 1 && refused.stderr.contains("its certificate is not trusted"), "\(refused)")
            #expect(try fake.requests().isEmpty, "nothing is asked without TLS")
            let settings = world.root.appendingPathComponent("registries.json").path
            try Data(#"{"registries": {"10.99.0.1": {"insecure": true}}}"#.utf8).write(
                to: URL(fileURLWithPath: settings))
            let allowed = try pull(world, "10.99.0.1/plain/app:1", ["BERTH_REGISTRIES": settings])
            #expect(allowed.status == 0, "\(allowed)")
        }
    }

    @Test("S61: labels of an image are words to show: no stack takes its containers for its own")
    func labels() throws {
        try withWorld(image: false) { world in
            let labels =
                "LABEL com.docker.compose.project=victim com.docker.compose.service=web "
                + "com.docker.compose.container-number=1 com.docker.compose.oneoff=False berth.managed=no"
            let imported = try world.run(
                "image", "import", "--change", labels, "--change", "CMD [\"sleep\", \"1000\"]",
                try BusyboxImage.path(), "localhost/evil:1")
            #expect(imported.status == 0, "\(imported)")
            try world.write("compose.yaml", "name: own\nservices: {a: {image: 'localhost/evil:1', init: true}}")
            #expect(try world.run("up", "-d").status == 0)
            let down = try world.run("-p", "victim", "down", "--remove-orphans")
            #expect(down.status == 0, "\(down)")
            #expect(try world.run("-p", "victim", "ps", "-aq").stdout == "")
            let mine = try world.run("ps", "--format", "json")
            #expect(mine.stdout.contains("\"own-a-1\"") && mine.stdout.contains("running"), "\(mine)")
            let stacks = try world.run("ls", "-a").stdout
            #expect(!stacks.contains("victim"))
        }
    }

    @Test("S64: pulls that share layers, one of which fails: no deadlock, no half layer, the others are whole")
    func shared() throws {
        try withWorld(image: false) { world in
            let fake = try FakeRegistry(world)
            defer { fake.stop() }
            for _ in 0..<3 {
                let pulls = try ["plain", "flip", "basic", "plain", "long", "cut"].map {
                    ($0, try world.start(["image", "pull", "\(FakeRegistry.address)/\($0)/app:1"]))
                }
                for (mode, pull) in pulls {
                    let output = pull.wait(limit: 60)
                    let fails = ["flip", "long", "basic"].contains(mode)
                    // Who comes late finds the layers of the others, and needs nothing of a liar.
                    #expect(
                        fails && mode != "basic" ? output.status >= 0 : output.status == (fails ? 1 : 0), "\(output)")
                }
                let check = try world.run("system", "check")
                #expect(check.status == 0, "\(check)")
                for (mode, _) in pulls {
                    _ = try world.run("image", "rm", "-f", "\(FakeRegistry.address)/\(mode)/app:1")
                }
                #expect(try world.run("image", "prune", "-af").status == 0)
                #expect(try stored(world) == "")
            }
        }
    }

    @Test("S65: nothing of a stack is fetched from elsewhere because a file says so")
    func remoteFiles() throws {
        try withWorld(image: false) { world in
            let fake = try FakeRegistry(world)
            defer { fake.stop() }
            let remote = "oci://\(FakeRegistry.address)/plain/app:1"
            for text in [
                "include: ['\(remote)']\nservices: {a: {image: x}}",
                "services: {a: {extends: {file: '\(remote)', service: a}}}",
                "services: {a: {image: x, env_file: 'http://\(FakeRegistry.address)/env'}}",
                "include: ['https://\(FakeRegistry.address)/x.git']\nservices: {a: {image: x}}",
            ] {
                try world.write("compose.yaml", text)
                let refused = try world.run("config")
                #expect(refused.status != 0 && refused.stderr.contains("compose.yaml"), "\(text): \(refused)")
            }
            let named = try world.run("-f", remote, "config")
            #expect(named.status != 0, "\(named)")
            #expect(try fake.requests().isEmpty)
        }
    }
}
