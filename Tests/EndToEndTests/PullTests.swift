// Pulling: from Debian's registry, with skopeo as the one who pushed; and what a stack does with pull_policy.
import Foundation
import Testing

@Suite("End to end: pull", .serialized)
struct PullTests {
    /// Copies the layout into a registry with skopeo.
    private func push(_ world: World, _ target: String, _ options: String = "--dest-tls-verify=false") throws {
        let layout = try RegistryImage.layout()
        let copied = try world.onHost(
            "skopeo copy -q --insecure-policy \(options) oci:\(layout):latest docker://\(target)", limit: 60)
        #expect(copied.status == 0, "\(copied)")
    }

    private func id(_ world: World, _ name: String) throws -> String {
        let output = try world.run("image", "inspect", name)
        let all = try JSONSerialization.jsonObject(with: Data(output.stdout.utf8)) as? [[String: Any]]
        return all?.first?["Id"] as? String ?? "\(output)"
    }

    @Test("what skopeo pushed comes out the same, once; a second pull fetches nothing; a digest is a name")
    func registry() throws {
        try withWorld(image: false) { world in
            let registry = try RealRegistry(world, port: 5801)
            defer { registry.stop() }
            try push(world, "127.0.0.1:5801/team/app:1")
            let pulled = try world.run("image", "pull", "127.0.0.1:5801/team/app:1")
            #expect(pulled.status == 0 && pulled.stdout == "127.0.0.1:5801/team/app:1\n", "\(pulled)")
            let inspect = try world.onHost(
                "skopeo inspect --raw --tls-verify=false docker://127.0.0.1:5801/team/app:1")
            let manifest = try JSONSerialization.jsonObject(with: Data(inspect.stdout.utf8)) as? [String: Any]
            let config = manifest?["config"] as? [String: Any]
            #expect(try id(world, "127.0.0.1:5801/team/app:1") == config?["digest"] as? String)
            let again = try world.run("image", "pull", "127.0.0.1:5801/team/app:1")
            #expect(again.stderr.contains("Already exists") && !again.stderr.contains("Downloading"), "\(again)")

            // The digest that its tag led to is a name as well, and goes with the last tag.
            let digest = try world.onHost(
                "skopeo inspect --tls-verify=false --format '{{.Digest}}' docker://127.0.0.1:5801/team/app:1"
            ).stdout.trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(try id(world, "127.0.0.1:5801/team/app@\(digest)") == config?["digest"] as? String)
            let removed = try world.run("image", "rm", "127.0.0.1:5801/team/app:1")
            #expect(removed.stdout.contains("Untagged: 127.0.0.1:5801/team/app@\(digest)"), "\(removed)")
            #expect(try world.run("image", "ls", "-q").stdout == "")
            let byDigest = try world.run("image", "pull", "127.0.0.1:5801/team/app@\(digest)")
            #expect(byDigest.status == 0, "\(byDigest)")

            let missing = try world.run("image", "pull", "127.0.0.1:5801/team/app:2")
            #expect(missing.status == 1 && missing.stderr.contains("manifest unknown"), "\(missing)")
            let nowhere = try world.run("image", "pull", "127.0.0.1:5999/team/app:1")
            #expect(nowhere.status == 1 && nowhere.stderr.contains("connection refused"), "\(nowhere)")
            let wrong = try world.run("image", "pull", "Team/App:1")
            #expect(wrong.status == 1 && wrong.stderr.contains("invalid reference format"), "\(wrong)")
        }
    }

    @Test("up pulls what is missing and runs it; layers lie as the tar says, links across layers included")
    func up() throws {
        try withWorld(image: false) { world in
            let registry = try RealRegistry(world, port: 5802)
            defer { registry.stop() }
            try push(world, "127.0.0.1:5802/app:1")
            try world.write("compose.yaml", "services: {web: {image: '127.0.0.1:5802/app:1', init: true}}")
            let up = try world.run("up", "-d")
            #expect(up.status == 0 && up.stderr.contains("Image 127.0.0.1:5802/app:1  Pulled"), "\(up)")
            let seen = try world.run(
                "exec", "-T", "web", "sh", "-c",
                "echo $FROM; ls /data; stat -c %s:%Y /data/linked; cmp /data/large /data/linked && echo same")
            #expect(seen.stdout == "registry\nlarge\nlinked\n6291456:1700000000\nsame\n", "\(seen)")
            let again = try world.run("up", "-d")
            #expect(!again.stderr.contains("Pull"), "\(again)")
        }
    }

    @Test("pull_policy and --pull: never, missing, always, and how long ago")
    func policies() throws {
        try withWorld(image: false) { world in
            let fake = try FakeRegistry(world)
            defer { fake.stop() }
            let image = "\(FakeRegistry.address)/plain/app:1"
            func up(_ policy: String, _ arguments: String...) throws -> (Output, asked: Int) {
                try world.write("compose.yaml", "services: {web: {image: '\(image)', pull_policy: \(policy)}}")
                let before = try fake.requests().count
                let output = try world.start(["up", "--no-start"] + arguments).wait()
                return (output, try fake.requests().count - before)
            }
            let never = try up("never")
            #expect(never.0.status == 1 && never.asked == 0 && never.0.stderr.contains("not in the store"), "\(never)")
            let missing = try up("missing")
            #expect(missing.0.status == 0 && missing.asked > 5, "\(missing)")
            #expect(try up("missing").asked == 0)
            let always = try up("always")
            #expect(always.0.status == 0 && always.asked == 1, "only the manifest is asked for: \(always)")
            #expect(try up("always", "--pull", "never").asked == 0)
            #expect(try up("never", "--pull", "always").asked == 1)
            #expect(try up("daily").asked == 0, "it was pulled today")
            #expect(try up("every_0s").asked == 1)
            let quiet = try up("always", "--quiet-pull")
            #expect(!quiet.0.stderr.contains("Pull"), "\(quiet)")

            try world.write(
                "compose.yaml",
                """
                services:
                  web: {image: '\(image)'}
                  gone: {image: '\(FakeRegistry.address)/schema1/app:1'}
                """)
            let some = try world.run("pull", "--ignore-pull-failures")
            #expect(some.status == 0 && some.stderr.contains("old schema 1"), "\(some)")
            let all = try world.run("pull")
            #expect(all.status == 1, "\(all)")
            let one = try world.run("pull", "-q", "web")
            #expect(one.status == 0 && one.stdout + one.stderr == "", "\(one)")
        }
    }

    @Test("an index gives the host's image, or the one that was asked for")
    func platforms() throws {
        try withWorld(image: false) { world in
            let fake = try FakeRegistry(world)
            defer { fake.stop() }
            let image = "\(FakeRegistry.address)/index/app:1"
            #expect(try world.run("image", "pull", image).status == 0)
            #expect(try world.run("image", "inspect", image).stdout.contains("\"Architecture\" : \"amd64\""))
            #expect(try world.run("image", "pull", "--platform", "linux/arm64", image).status == 0)
            #expect(try world.run("image", "inspect", image).stdout.contains("\"Architecture\" : \"arm64\""))
            let none = try world.run("image", "pull", "--platform", "linux/s390x", image)
            #expect(
                none.status == 1
                    && none.stderr.contains("no image for linux/s390x; there are linux/arm64/v8, linux/amd64"),
                "\(none)")
            let bad = try world.run("image", "pull", "--platform", "a/b/c/d", image)
            #expect(bad.status == 1 && bad.stderr.contains("is no platform"), "\(bad)")
        }
    }

    @Test("passwords from the caller's file, Debian's registry with TLS and its own authority; nothing without them")
    func logins() throws {
        try withWorld(image: false) { world in
            let root = world.root.path
            let made = try Shell.run(
                """
                set -e; cd '\(root)'; mkdir -p home/.docker home/.config/berth/certs.d/127.0.0.1:5803
                openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=registry \
                  -addext 'subjectAltName=IP:127.0.0.1' 2>/dev/null
                cp cert.pem home/.config/berth/certs.d/127.0.0.1:5803/ca.crt
                htpasswd -Bbn user 'secret word' > htpasswd
                printf '{"auths":{"127.0.0.1:5803":{"auth":"%s"}},"credHelpers":{"127.0.0.1:5803":"not-there"}}' \
                  "$(printf 'user:secret word' | base64)" > home/.docker/config.json
                """)
            #expect(made.status == 0, "\(made)")
            let registry = try RealRegistry(
                world, port: 5803, tls: ", tls: {certificate: \(root)/cert.pem, key: \(root)/key.pem}",
                auth: "auth: {htpasswd: {realm: here, path: \(root)/htpasswd}}")
            defer { registry.stop() }
            try push(world, "127.0.0.1:5803/app:1", "--dest-tls-verify=false --dest-creds 'user:secret word'")
            let without = try world.run("image", "pull", "127.0.0.1:5803/app:1", environment: ["HOME": root])
            #expect(without.status == 1 && without.stderr.contains("berth login 127.0.0.1:5803"), "\(without)")
            let with = try world.run("image", "pull", "127.0.0.1:5803/app:1", environment: ["HOME": "\(root)/home"])
            #expect(with.status == 0, "\(with)")
            let log = (try? String(contentsOfFile: world.dataRoot + "/agent.log", encoding: .utf8)) ?? ""
            #expect(!log.contains("secret word") && !log.contains("c2VjcmV0"))
        }
    }

    @Test("login checks the password, keeps it in docker's file beside what is there, and logout takes it out")
    func loginCommand() throws {
        try withWorld(image: false) { world in
            let fake = try FakeRegistry(world)
            defer { fake.stop() }
            let home = world.root.appendingPathComponent("home").path
            try FileManager.default.createDirectory(atPath: "\(home)/.docker", withIntermediateDirectories: true)
            let path = "\(home)/.docker/config.json"
            try Data(#"{"detachKeys":"ctrl-x","auths":{"other.test":{"auth":"b3RoZXI6eA=="}}}"#.utf8).write(
                to: URL(fileURLWithPath: path))
            func run(_ arguments: String..., input: String? = nil) throws -> Output {
                try world.start(arguments, environment: ["HOME": home], input: input).wait()
            }
            let image = "\(FakeRegistry.address)/basic/app:1"
            #expect(try run("image", "pull", image).status == 1)
            let wrong = try run("login", "-u", "user", "--password-stdin", FakeRegistry.address, input: "other\n")
            #expect(wrong.status == 1 && wrong.stderr.contains("refuses access (401)"), "\(wrong)")
            #expect(try String(contentsOfFile: path, encoding: .utf8).contains("detachKeys\":\"ctrl-x\",\"auths"))
            let login = try run("login", "-u", "user", "--password-stdin", FakeRegistry.address, input: "secret word\n")
            #expect(login.status == 0 && login.stdout == "Login Succeeded\n", "\(login)")
            #expect(!(login.stdout + login.stderr).contains("secret word"))
            let text = try String(contentsOfFile: path, encoding: .utf8)
            #expect(text.contains("detachKeys") && text.contains("b3RoZXI6eA=="), "\(text)")
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            #expect(try run("image", "pull", image).status == 0)
            #expect(try run("logout", FakeRegistry.address).status == 0)
            #expect(try run("logout", FakeRegistry.address).stdout == "Not logged in to \(FakeRegistry.address)\n")
            #expect(try run("image", "pull", image).status == 1)
            let nobody = try run("login", "-u", "user", FakeRegistry.address, input: "x")
            #expect(nobody.status == 1 && nobody.stderr.contains("--password-stdin"), "\(nobody)")
        }
    }

    @Test("config pins images to what their tags lead to")
    func digests() throws {
        try withWorld(image: false) { world in
            let registry = try RealRegistry(world, port: 5804)
            defer { registry.stop() }
            try push(world, "127.0.0.1:5804/app:1")
            let digest = try world.onHost(
                "skopeo inspect --tls-verify=false --format '{{.Digest}}' docker://127.0.0.1:5804/app:1"
            ).stdout.trimmingCharacters(in: .whitespacesAndNewlines)
            try world.write(
                "compose.yaml",
                "name: pins\nservices: {web: {image: '127.0.0.1:5804/app:1', init: true}, built: {build: .}}\n")
            let resolved = try world.run("config", "--resolve-image-digests", "--images")
            #expect(resolved.stdout == "127.0.0.1:5804/app:1@\(digest)\npins-built\n", "\(resolved)")
            let lock = try world.run("config", "--lock-image-digests")
            #expect(
                lock.stdout == "services:\n  built: {}\n  web:\n    image: 127.0.0.1:5804/app:1@\(digest)\n", "\(lock)")
            try world.write("compose.yaml", "services: {web: {image: '127.0.0.1:5804/app:2'}}")
            let missing = try world.run("config", "--resolve-image-digests")
            #expect(missing.status == 1 && missing.stdout == "" && missing.stderr.contains("app:2"), "\(missing)")
        }
    }

    @Test("push gives back what came in: equal digests for skopeo, nothing sent twice, a login where one is asked for")
    func push() throws {
        try withWorld(image: false) { world in
            let root = world.root.path
            let made = try Shell.run(
                "mkdir -p '\(root)/home/.docker' && htpasswd -Bbn user 'secret word' > '\(root)/htpasswd' && "
                    + "printf '{\"auths\":{\"127.0.0.1:5806\":{\"auth\":\"%s\"}}}' \"$(printf 'user:secret word' | base64)\""
                    + " > '\(root)/home/.docker/config.json'")
            #expect(made.status == 0, "\(made)")
            let source = try RealRegistry(world, port: 5805)
            defer { source.stop() }
            let target = try RealRegistry(
                world, port: 5806, auth: "auth: {htpasswd: {realm: here, path: \(root)/htpasswd}}")
            defer { target.stop() }
            try push(world, "127.0.0.1:5805/app:1")
            #expect(try world.run("image", "pull", "127.0.0.1:5805/app:1").status == 0)
            #expect(try world.run("image", "tag", "127.0.0.1:5805/app:1", "127.0.0.1:5806/team/app:2").status == 0)
            let anonymous = try world.run("image", "push", "127.0.0.1:5806/team/app:2")
            #expect(anonymous.status == 1 && anonymous.stderr.contains("berth login 127.0.0.1:5806"), "\(anonymous)")
            let home = ["HOME": "\(root)/home"]
            let pushed = try world.run("image", "push", "127.0.0.1:5806/team/app:2", environment: home)
            #expect(pushed.status == 0, "\(pushed)")
            func digest(_ name: String, _ options: String) throws -> String {
                try world.onHost("skopeo inspect --tls-verify=false \(options) --format '{{.Digest}}' docker://\(name)")
                    .stdout.trimmingCharacters(in: .whitespacesAndNewlines)
            }
            let before = try digest("127.0.0.1:5805/app:1", "")
            #expect(try digest("127.0.0.1:5806/team/app:2", "--creds 'user:secret word'") == before)
            #expect(pushed.stdout == "2: digest: \(before)\n", "\(pushed)")
            let again = try world.run("image", "push", "127.0.0.1:5806/team/app:2", environment: home)
            #expect(again.stderr.contains("Layer already exists") && !again.stderr.contains(" Pushed\n "), "\(again)")
            let unpacked = try world.onHost(
                "skopeo copy -q --insecure-policy --src-tls-verify=false --src-creds 'user:secret word' "
                    + "docker://127.0.0.1:5806/team/app:2 oci:\(root)/out:latest")
            #expect(unpacked.status == 0, "\(unpacked)")
            let none = try world.run("image", "push", "127.0.0.1:5806/nothing:1")
            #expect(none.status == 1 && none.stderr.contains("no such image"), "\(none)")
        }
    }
}
