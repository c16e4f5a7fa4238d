// `berth registry serve`: other clients read from it and write to it, berth's own among them; and clients that attack it.
import Foundation
import Testing

/// A registry of berth's own in a world's host.
private final class OwnRegistry {
    let program: RunningProgram
    let port: Int

    init(_ world: World, port: Int, _ arguments: String..., environment: [String: String] = [:]) throws {
        self.port = port
        program = try world.start(
            ["registry", "serve", "--listen", "127.0.0.1:\(port)"] + arguments, environment: environment)
        guard eventually(20, { program.stderrSoFar.contains("Serving images at") }) else {
            throw WorldError("the registry does not start: \(program.stderrSoFar)")
        }
    }

    /// As a user ends it. Everything of it is gone then.
    @discardableResult
    func stop(_ signal: Int32 = SIGTERM) -> Output {
        program.signal(signal)
        return program.wait(limit: 20)
    }
}

@Suite("End to end: a registry of one's own", .serialized)
struct OwnRegistryTests {
    /// A second host beside the world's, with a store of its own.
    private func other(_ world: World) -> [String: String] {
        let root = world.root.appendingPathComponent("other").path
        return ["BERTH_DATA_DIR": "\(root)/data", "BERTH_RUN_DIR": "\(root)/run", "HOME": root]
    }

    private func raw(_ world: World, _ name: String) throws -> String {
        try world.onHost("skopeo inspect --raw --tls-verify=false docker://\(name) | sha256sum | cut -c1-64").stdout
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func blobs(_ world: World) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "\(world.dataRoot)/blobs/sha256").count
    }

    @Test("read-only: what was imported and what was built is pulled by others, nothing is taken, a signal ends it")
    func reading() throws {
        try withWorld { world in
            try world.write("Dockerfile", "FROM localhost/busybox:1\nRUN echo built > /made\nLABEL a=b\n")
            #expect(try world.run("image", "build", "-q", "-t", "team/app:1", ".").status == 0)
            let registry = try OwnRegistry(world, port: 5861)
            defer { registry.stop(SIGKILL) }
            let at = "127.0.0.1:5861"
            // A built layer has no blob: it is packed when it is asked for, and stays the same.
            let first = try raw(world, "\(at)/team/app:1")
            #expect(try raw(world, "\(at)/team/app:1") == first)
            #expect(try raw(world, "\(at)/team/app@sha256:\(first)") == first)
            let out = world.root.appendingPathComponent("out").path
            let copied = try world.onHost(
                "skopeo copy -q --insecure-policy --src-tls-verify=false docker://\(at)/team/app:1 oci:'\(out)':1 && "
                    + "umoci unpack --image '\(out)':1 '\(out)-tree' >/dev/null && cat '\(out)-tree/rootfs/made'")
            #expect(copied.stdout == "built\n", "\(copied)")
            let pulled = try world.run("image", "pull", "\(at)/localhost/busybox:1", environment: other(world))
            #expect(pulled.status == 0, "\(pulled)")
            let ids = try [[:], other(world)].map { environment in
                let name = environment.isEmpty ? "localhost/busybox:1" : "\(at)/localhost/busybox:1"
                return try world.run("image", "inspect", "--format", "{{.Id}}", name, environment: environment).stdout
            }
            #expect(ids[0] == ids[1] && ids[0].hasPrefix("sha256:"))
            let lists = try world.onHost("curl -s '\(at)/v2/_catalog?n=1'; curl -s '\(at)/v2/team/app/tags/list'")
            let expected = "{\"repositories\":[\"localhost/busybox\"]}{\"name\":\"team/app\",\"tags\":[\"1\"]}"
            #expect(lists.stdout == expected, "\(lists)")
            let pushed = try world.onHost(
                "skopeo copy -q --insecure-policy --dest-tls-verify=false oci:'\(out)':1 docker://\(at)/x:1")
            #expect(pushed.status != 0 && pushed.stderr.contains("read-only"), "\(pushed)")
            let deleted = try world.onHost("curl -s -X DELETE '\(at)/v2/team/app/manifests/1'")
            #expect(deleted.stdout.contains("read-only"), "\(deleted)")
            let ended = registry.stop()
            #expect(ended.status == 0, "\(ended)")
            #expect(try world.run("image", "rm", "team/app:1").status == 0)
            #expect(try world.run("system", "check").status == 0)
        }
    }

    @Test("writable: an index of four platforms and an image of berth's come in, go out the same, and are deleted")
    func writing() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                "services: {a: {image: 'localhost/busybox:1', init: true, command: [sleep, '1000']}}\n")
            #expect(try world.run("up", "-d").status == 0)
            let before = try blobs(world)
            let registry = try OwnRegistry(world, port: 5862, "--writable")
            defer { registry.stop(SIGKILL) }
            let at = "127.0.0.1:5862"
            let layout = world.root.appendingPathComponent("many").path
            let copied = try world.onHost(
                "'\(Fixture.path("make-many"))' '\(layout)' 3 30000 linux/amd64 linux/arm64/v8 linux/arm/v7 linux/s390x "
                    + "&& skopeo copy -q --all --insecure-policy --dest-tls-verify=false oci:'\(layout)':latest "
                    + "docker://\(at)/many:1", limit: 60)
            #expect(copied.status == 0, "\(copied)")
            let index = try world.onHost("skopeo inspect --raw oci:'\(layout)':latest | sha256sum | cut -c1-64").stdout
            #expect(try raw(world, "\(at)/many:1") == index.trimmingCharacters(in: .whitespacesAndNewlines))
            // The tag is a local image now: the one for this host.
            let shown = try world.run("image", "inspect", "--format", "{{.Architecture}}", "many:1")
            #expect(shown.stdout == "amd64\n", "\(shown)")
            let all = world.root.appendingPathComponent("all").path
            let out = try world.onHost(
                "skopeo copy -q --all --insecure-policy --src-tls-verify=false docker://\(at)/many:1 oci:'\(all)':1")
            #expect(out.status == 0, "\(out)")
            // berth on another host: pulls one of the others, and pushes what it has.
            let arm = try world.run(
                "image", "pull", "--platform", "linux/s390x", "\(at)/many:1", environment: other(world))
            #expect(arm.status == 0, "\(arm)")
            #expect(try world.run("image", "tag", "\(at)/many:1", "\(at)/z:2", environment: other(world)).status == 0)
            let back = try world.run("image", "push", "\(at)/z:2", environment: other(world))
            let there = try raw(world, "\(at)/z:2")
            #expect(back.status == 0 && back.stdout == "2: digest: sha256:\(there)\n", "\(back)")
            #expect(back.stderr.contains("Mounted"), "\(back)")
            let z = try world.run("image", "inspect", "--format", "{{.Architecture}}", "z:2")
            #expect(z.stdout == "s390x\n", "\(z)")
            #expect(try world.run("system", "check").status == 0)
            // An agent that dies is found anew; a stack that runs does not mind.
            if let agent = world.agentProcessID { kill(agent, SIGKILL) }
            let deletes = try world.onHost(
                "for t in many/manifests/1 z/manifests/2; do curl -s -o /dev/null -w '%{http_code} ' -X DELETE \(at)/v2/$t; "
                    + "done; curl -s -o /dev/null -w '%{http_code}' \(at)/v2/many/manifests/1")
            #expect(deletes.stdout == "202 202 404", "\(deletes)")
            #expect(try world.run("ps", "--format", "{{.State}}").stdout == "running\n")
            let used = try world.onHost("curl -s -X DELETE '\(at)/v2/localhost/busybox/manifests/1'")
            #expect(used.stdout.contains("a container is made from it"), "\(used)")
            #expect(registry.stop(SIGINT).status == 0)
            #expect(try world.run("image", "prune", "-f").status == 0)
            #expect(try blobs(world) == before)
            #expect(try world.run("system", "check").status == 0)
            #expect(!FileManager.default.fileExists(atPath: "\(world.dataRoot)/uploads"))
        }
    }

    @Test("what speaks of an image is found by it; pages lead to the end; deletes by digest take all tags")
    func referrers() throws {
        try withWorld { world in
            let registry = try OwnRegistry(world, port: 5863, "--writable", "--name", "lan:5000")
            defer { registry.stop(SIGKILL) }
            let at = "127.0.0.1:5863"
            #expect(try world.run("image", "tag", "localhost/busybox:1", "lan:5000/app:1").status == 0)
            #expect(try world.run("image", "tag", "localhost/busybox:1", "lan:5000/app:2").status == 0)
            let digest = try raw(world, "\(at)/app:1")
            let made = try world.onHost(
                """
                set -e; cd '\(world.root.path)'; printf '{}' > empty; printf 'a signature' > text
                for f in empty text; do d=$(sha256sum $f | cut -c1-64)
                  curl -sf -o /dev/null --data-binary @$f "\(at)/v2/app/blobs/uploads/?digest=sha256:$d"; done
                e=$(sha256sum empty | cut -c1-64); t=$(sha256sum text | cut -c1-64)
                for k in sbom sign; do
                printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"test/%s","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:%s","size":2},"layers":[{"mediaType":"text/plain","digest":"sha256:%s","size":11}],"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:\(digest)","size":1}}' $k $e $t > m-$k
                d=$(sha256sum m-$k | cut -c1-64)
                curl -sf -D - -o /dev/null -X PUT --data-binary @m-$k -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' "\(at)/v2/app/manifests/sha256:$d" | grep -ci '^oci-subject: sha256:\(digest)'
                done
                """)
            #expect(made.stdout == "1\n1\n", "\(made)")
            let found = try world.onHost(
                """
                curl -s '\(at)/v2/app/referrers/sha256:\(digest)' | grep -o '"artifactType":"[^"]*"' | sort
                curl -si '\(at)/v2/app/referrers/sha256:\(digest)?artifactType=test/sbom' | grep -o '"artifactType":"[^"]*"\\|^OCI-Filters.*[a-zA-Z]'
                curl -si '\(at)/v2/app/tags/list?n=1' | grep -o 'Link: .*[a-z"]\\|{.*'
                """)
            #expect(
                found.lines == [
                    "\"artifactType\":\"test/sbom\"", "\"artifactType\":\"test/sign\"",
                    "OCI-Filters-Applied: artifactType",
                    "\"artifactType\":\"test/sbom\"", "Link: </v2/app/tags/list?last=1&n=1>; rel=\"next\"",
                    "{\"name\":\"app\",\"tags\":[\"1\"]}",
                ], "\(found)")
            // They stay as long as the image does, and are no images themselves.
            #expect(try world.run("image", "prune", "-f").status == 0)
            let kept = try world.onHost("curl -s '\(at)/v2/app/referrers/sha256:\(digest)' | grep -o test/ | wc -l")
            #expect(kept.stdout == "2\n", "\(kept)")
            let gone = try world.onHost(
                "curl -s -o /dev/null -w '%{http_code} ' -X DELETE '\(at)/v2/app/manifests/sha256:\(digest)'; "
                    + "curl -s '\(at)/v2/app/tags/list'")
            #expect(gone.stdout == "202 {\"name\":\"app\",\"tags\":[]}", "\(gone)")
            #expect(try world.run("image", "inspect", "lan:5000/app:2").status == 1)
            #expect(try world.run("image", "inspect", "localhost/busybox:1").status == 0)
            #expect(registry.stop().status == 0)
            #expect(try world.run("image", "prune", "-f").status == 0)
            #expect(try world.run("system", "check").status == 0)
        }
    }

    @Test(
        "TLS and a login: who has neither stays out, who has both reads and writes; other hosts are not served without")
    func guarded() throws {
        try withWorld { world in
            let certificate = try Certificate(world, names: "IP:127.0.0.1")
            let users = world.root.appendingPathComponent("users").path
            #expect(try world.onHost("htpasswd -B -C 5 -b -c '\(users)' alice 'secret word' 2>/dev/null").status == 0)
            let open = try world.run("registry", "serve", "--listen", "0.0.0.0:5864")
            #expect(open.status != 0 && open.stderr.contains("there is no TLS"), "\(open)")
            let half = try world.run(
                "registry", "serve", "--listen", "[::]:5864", "--tls-cert", certificate.path, "--tls-key",
                certificate.keyPath)
            #expect(half.status != 0 && half.stderr.contains("there is no login"), "\(half)")
            let registry = try OwnRegistry(
                world, port: 5864, "--writable", "--tls-cert", certificate.path, "--tls-key", certificate.keyPath,
                "--htpasswd", users)
            defer { registry.stop(SIGKILL) }
            let at = "127.0.0.1:5864"
            let ask = "curl -s --cacert '\(certificate.path)' -o /dev/null -w '%{http_code} '"
            let codes = try world.onHost(
                "\(ask) https://\(at)/v2/; \(ask) -u alice:wrong https://\(at)/v2/; \(ask) -u 'bob:secret word' "
                    + "https://\(at)/v2/; \(ask) -u 'alice:secret word' https://\(at)/v2/; "
                    + "curl -s -o /dev/null -w '%{http_code}' http://\(at)/v2/")
            #expect(codes.stdout == "401 401 401 200 000", "\(codes)")
            let refused = try world.run("image", "pull", "\(at)/localhost/busybox:1", environment: other(world))
            #expect(refused.status == 1 && refused.stderr.contains("berth login"), "\(refused)")
            let login = try world.run(
                "login", "-u", "alice", "--password-stdin", at, environment: other(world), input: "secret word\n")
            #expect(login.status == 0, "\(login)")
            let pulled = try world.run("image", "pull", "\(at)/localhost/busybox:1", environment: other(world))
            #expect(pulled.status == 0, "\(pulled)")
            let name = "\(at)/from/other:1"
            #expect(
                try world.run("image", "tag", "\(at)/localhost/busybox:1", name, environment: other(world)).status == 0)
            let pushed = try world.run("image", "push", name, environment: other(world))
            #expect(pushed.status == 0, "\(pushed)")
            #expect(try world.run("image", "inspect", "from/other:1").status == 0)
            let second = try world.run("registry", "serve", "--writable", "--listen", "127.0.0.1:5865")
            #expect(second.status != 0 && second.stderr.contains("another registry"), "\(second)")
            // The server is gone with who started it, however that ends.
            registry.stop(SIGKILL)
            let isGone = try eventually(10) { try world.onHost("ss -ltnH 'sport = :5864' | grep -q .").status != 0 }
            #expect(isGone)
            #expect(try world.run("image", "prune", "-f").status == 0)
            #expect(!FileManager.default.fileExists(atPath: "\(world.dataRoot)/uploads"))
        }
    }

    @Test("clients that attack it are answered in the protocol's words, and nothing of them stays")
    func attacks() throws {
        try withWorld(image: false) { world in
            let registry = try OwnRegistry(world, port: 5866, "--writable")
            defer { registry.stop(SIGKILL) }
            let told = try world.onHost("'\(Fixture.path("registry-attacks"))' 127.0.0.1:5866", limit: 60)
            let expected = try String(contentsOfFile: Fixture.path("registry-attacks.txt"), encoding: .utf8)
            #expect(told.stdout == expected, "\(told)")
            #expect(registry.stop().status == 0)
            #expect(try world.run("image", "ls", "-q").stdout.isEmpty)
            #expect(try world.run("system", "check").status == 0)
            #expect(try blobs(world) == 0)
        }
    }
}
