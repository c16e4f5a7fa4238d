// Registries that lie, leak, stall and break off: one clear error, nothing half in the store, no login to strangers.
import Foundation
import Testing

@Suite("End to end: hostile registries", .serialized)
struct HostileRegistryTests {
    private func pull(_ world: World, _ mode: String) throws -> Output {
        try world.run(
            "image", "pull", "\(FakeRegistry.address)/\(mode)/app:1",
            environment: ["HOME": world.root.appendingPathComponent("home").path])
    }

    /// Files of the store that are no directories: blobs, layers' marks, what an ingest left.
    private func stored(_ world: World) throws -> String {
        try Shell.run("cd '\(world.dataRoot)' && find blobs ingest layers -mindepth 1 ! -name sha256 | sort").stdout
    }

    private func writeLogin(_ world: World) throws {
        let home = world.root.appendingPathComponent("home/.docker")
        try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
        let login = Data("user:secret word".utf8).base64EncodedString()
        try Data("{\"auths\":{\"\(FakeRegistry.address)\":{\"auth\":\"\(login)\"}}}".utf8).write(
            to: home.appendingPathComponent("config.json"))
    }

    @Test(
        "S55, S56, S57, S60: content that is not what it should be is refused with its reason, and nothing of it stays")
    func lies() throws {
        try withWorld(image: false) { world in
            let fake = try FakeRegistry(world)
            defer { fake.stop() }
            let expected = [
                ("flip", "content and digest disagree"), ("long", "it is longer than"),
                ("claims", "the registry calls it"), ("both", "is not the application/vnd.oci.image.manifest"),
                ("wrongtype", "is not the application/vnd.oci.image.index"), ("schema1", "old schema 1"),
                ("artifact", "application/vnd.example.thing is no part of a container image"),
                ("badname", "is not what it should be"), ("negative", "a layer of -1 bytes"),
                ("nulls", "is not what it should be"), ("deep", "is not what it should be"),
                ("many", "more than 500 layers"), ("endless", "it is longer than 4194304 bytes"),
                ("missing", "blob_unknown"), ("file", "which is no web address"), ("loop", "more than 10 redirects"),
                ("limited", "(its limit: 100;w=21600)"),
            ]
            for (mode, words) in expected {
                let output = try pull(world, mode)
                #expect(output.status == 1 && output.stderr.contains(words), "\(mode): \(output)")
                #expect(try stored(world) == "", "\(mode)")
            }
            #expect(try world.run("image", "ls", "-q").stdout == "")
        }
    }

    @Test("connections that break, and answers to come again, end in the whole image")
    func breaks() throws {
        try withWorld(image: false) { world in
            let fake = try FakeRegistry(world)
            defer { fake.stop() }
            for mode in ["cut", "norange", "busy", "broken"] {
                let output = try pull(world, mode)
                #expect(output.status == 0, "\(mode): \(output)")
                let ranges = try fake.requests().filter { $0.path.hasPrefix("/v2/\(mode)/") && !$0.range.isEmpty }
                #expect(ranges.isEmpty == ["busy", "broken"].contains(mode), "\(mode)")
                #expect(try world.run("image", "rm", "\(FakeRegistry.address)/\(mode)/app:1").status == 0)
                #expect(try stored(world) == "", "\(mode)")
            }
        }
    }

    @Test("S58: a login goes to the registry that it is for, and nowhere else")
    func logins() throws {
        try withWorld(image: false) { world in
            let fake = try FakeRegistry(world)
            defer { fake.stop() }
            let anonymous = try pull(world, "token")
            #expect(anonymous.status == 1 && anonymous.stderr.contains("berth login"), "\(anonymous)")
            try writeLogin(world)
            for mode in ["basic", "token", "redirect", "urls"] {
                let output = try pull(world, mode)
                #expect(output.status == 0, "\(mode): \(output)")
                #expect(try world.run("image", "rm", "\(FakeRegistry.address)/\(mode)/app:1").status == 0)
            }
            let realm = try pull(world, "realm")
            #expect(realm.status == 1 && realm.stderr.contains(FakeRegistry.stranger), "\(realm)")
            let strangers = try fake.requests().filter { $0.host == FakeRegistry.stranger }
            #expect(!strangers.isEmpty && strangers.allSatisfy { $0.login.isEmpty }, "\(strangers)")
            #expect(strangers.allSatisfy { $0.path.hasPrefix("/moved/") }, "\(strangers)")
            let tokens = try fake.requests().filter { $0.path.hasPrefix("/token") && !$0.login.isEmpty }
            #expect(tokens.count == 2, "one token for all requests of a pull")
        }
    }

    @Test("a mirror is asked first and gets no login; what it lacks comes from the registry itself")
    func mirror() throws {
        try withWorld(image: false) { world in
            let fake = try FakeRegistry(world)
            defer { fake.stop() }
            try writeLogin(world)
            let settings = world.root.appendingPathComponent("registries.json").path
            try Data(
                """
                {"registries": {
                  "127.0.0.1:5999": {"mirrors": ["http://\(FakeRegistry.stranger)"]},
                  "\(FakeRegistry.address)": {"mirrors": ["http://\(FakeRegistry.stranger)"]}
                }}
                """.utf8
            ).write(to: URL(fileURLWithPath: settings))
            func pull(_ image: String) throws -> Output {
                let home = world.root.appendingPathComponent("home").path
                return try world.run(
                    "image", "pull", image, environment: ["HOME": home, "BERTH_REGISTRIES": settings])
            }
            // The registry itself is not there at all.
            let mirrored = try pull("127.0.0.1:5999/plain/app:1")
            #expect(mirrored.status == 0, "\(mirrored)")
            // The mirror wants a login and gets none; the registry gets it.
            let direct = try pull("\(FakeRegistry.address)/basic/app:1")
            #expect(direct.status == 0, "\(direct)")
            let all = try fake.requests()
            let asked = all.filter { $0.host == FakeRegistry.stranger }
            #expect(asked.contains { $0.path.contains("/basic/") } && asked.allSatisfy { $0.login.isEmpty }, "\(asked)")
            #expect(all.contains { $0.host == FakeRegistry.address && !$0.login.isEmpty })
        }
    }

    @Test("a proxy that is no address is said, never gone around")
    func proxy() throws {
        try withWorld(image: false) { world in
            let bad = try world.run(
                "image", "pull", "shop.test/plain/app:1", environment: ["HTTPS_PROXY": "socks5://127.0.0.1:9"])
            #expect(bad.status == 1 && bad.stderr.contains("is no address of an http proxy"), "\(bad)")
        }
    }
}
