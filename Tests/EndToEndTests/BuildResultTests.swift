// What a build leaves: the image's config and history, layers that travel, equal builds that are equal.
import Foundation
import Testing

@Suite("End to end: what builds make", .serialized)
struct BuildResultTests {
    private func config(_ world: World) throws -> [String: Any] {
        let saved = try Shell.run(
            """
            set -e; cd '\(world.root.path)'; rm -rf saved; mkdir saved
            tar -xf saved.tar -C saved
            m=$(sed 's/.*"Config":"\\([^"]*\\)".*/\\1/' saved/manifest.json | tr -d '\\\\'); cat saved/$m
            """)
        let object = try JSONSerialization.jsonObject(with: Data(saved.stdout.utf8)) as? [String: Any]
        guard let object else { throw WorldError("no config: \(saved)") }
        return object
    }

    @Test("the config says what the instructions said; the history has an entry an instruction")
    func settings() throws {
        try withWorld { world in
            let built = try world.build(
                """
                FROM localhost/busybox:1
                ARG A=arg
                ENV E=env P=/p:$PATH
                LABEL one=1 "two words"="a b"
                LABEL one=2
                EXPOSE 80 53/UDP 8000-8001
                VOLUME ["/data", "/more data"]
                USER guest:extra
                WORKDIR /home/guest
                STOPSIGNAL SIGINT
                SHELL ["/bin/sh", "-ec"]
                HEALTHCHECK --interval=3s --timeout=1m30s --retries=4 CMD wget -q localhost
                ONBUILD RUN echo triggered > /tmp/t
                MAINTAINER somebody
                ENTRYPOINT exec entry
                CMD ["one", "two"]
                RUN true

                """, ["--label", "given=yes"])
            #expect(built.status == 0, "\(built)")
            #expect(
                try world.run("image", "save", "-o", "\(world.root.path)/saved.tar", "localhost/built:1").status == 0)
            let document = try config(world)
            let execution = document["config"] as? [String: Any] ?? [:]
            #expect(execution["Labels"] as? [String: String] == ["one": "2", "two words": "a b", "given": "yes"])
            let ports = (execution["ExposedPorts"] as? [String: Any] ?? [:]).keys.sorted()
            #expect(ports == ["53/udp", "80/tcp", "8000/tcp", "8001/tcp"])
            #expect((execution["Volumes"] as? [String: Any] ?? [:]).keys.sorted() == ["/data", "/more data"])
            #expect(execution["User"] as? String == "guest:extra")
            #expect(execution["WorkingDir"] as? String == "/home/guest")
            #expect(execution["StopSignal"] as? String == "SIGINT")
            #expect(execution["Shell"] as? [String] == ["/bin/sh", "-ec"])
            #expect(execution["Entrypoint"] as? [String] == ["/bin/sh", "-ec", "exec entry"])
            #expect(execution["Cmd"] as? [String] == ["one", "two"])
            #expect(execution["OnBuild"] as? [String] == ["RUN echo triggered > /tmp/t"])
            let environment = execution["Env"] as? [String] ?? []
            #expect(environment.contains("E=env"))
            #expect(environment.contains { $0.hasPrefix("P=/p:/usr/local/sbin") })
            #expect(!environment.contains { $0.hasPrefix("A=") }, "an argument is no part of the image")
            let health = execution["Healthcheck"] as? [String: Any] ?? [:]
            #expect(health["Test"] as? [String] == ["CMD-SHELL", "wget -q localhost"])
            #expect(health["Interval"] as? Int == 3_000_000_000 && health["Timeout"] as? Int == 90_000_000_000)
            #expect(health["Retries"] as? Int == 4)
            #expect(document["author"] as? String == "somebody")
            let history = document["history"] as? [[String: Any]] ?? []
            let made = history.compactMap { $0["created_by"] as? String }
            #expect(made.contains("RUN |1 A=arg /bin/sh -ec true # buildkit"), "\(made)")
            #expect(made.contains("LABEL one=1 two words=a b"), "\(made)")
            let layers = ((document["rootfs"] as? [String: Any])?["diff_ids"] as? [String] ?? []).count
            #expect(history.count { $0["empty_layer"] as? Bool != true } == layers)

            // The base's trigger runs in the build upon it, once.
            let child = try world.build(
                "FROM localhost/built:1\nUSER root\nRUN grep -q triggered /tmp/t\n", tag: "localhost/child:1")
            #expect(child.status == 0, "\(child)")
            let grandchild = try world.build(
                "FROM localhost/child:1\nRUN true\n", tag: "localhost/grandchild:1")
            #expect(grandchild.status == 0 && !grandchild.stderr.contains("triggered"), "\(grandchild)")
        }
    }

    @Test("an entrypoint of its own forgets the base's command; a command alone keeps the entrypoint")
    func entrypoints() throws {
        try withWorld { world in
            #expect(
                try world.build(
                    "FROM localhost/busybox:1\nENTRYPOINT [\"e\"]\nCMD [\"c\"]\n", tag: "localhost/base:1"
                ).status == 0)
            func execution(_ lines: String) throws -> [String: Any] {
                let built = try world.build("FROM localhost/base:1\n\(lines)\n")
                #expect(built.status == 0, "\(built)")
                return try world.inspect("localhost/built:1")["Config"] as? [String: Any] ?? [:]
            }
            let other = try execution("ENTRYPOINT [\"x\"]")
            #expect(other["Entrypoint"] as? [String] == ["x"] && other["Cmd"] == nil)
            let command = try execution("CMD [\"y\"]")
            #expect(command["Entrypoint"] as? [String] == ["e"] && command["Cmd"] as? [String] == ["y"])
            let both = try execution("CMD [\"y\"]\nENTRYPOINT [\"x\"]")
            #expect(both["Entrypoint"] as? [String] == ["x"] && both["Cmd"] as? [String] == ["y"])
        }
    }

    static let app = """
        FROM localhost/busybox:1 AS make
        RUN mkdir /out && echo made > /out/app && ln /out/app /out/hard && ln -s app /out/soft && rm -r /srv
        FROM localhost/busybox:1
        COPY --from=make /out /app
        COPY --chown=5:6 tree /tree
        RUN rm /etc/group && echo $SOURCE_DATE_EPOCH > /epoch && mkdir -m 700 /private && mkfifo /private/pipe

        """

    @Test("what is saved loads elsewhere as the same image, for other tools too")
    func travel() throws {
        try withWorld { world in
            try world.writeBuildContext()
            let built = try world.build(BuildResultTests.app)
            #expect(built.status == 0, "\(built)")
            let id = try world.inspect("localhost/built:1")["Id"] as? String
            let archive = "\(world.root.path)/saved.tar"
            #expect(try world.run("image", "save", "-o", archive, "localhost/built:1").status == 0)
            // skopeo reads every layer and compares every digest.
            let copied = try Shell.run(
                "skopeo copy -q --insecure-policy docker-archive:\(archive) dir:\(world.root.path)/dir 2>&1")
            #expect(copied.status == 0, "\(copied)")
            try withWorld(image: false) { other in
                let loaded = try other.run("image", "load", "-i", archive)
                #expect(loaded.status == 0, "\(loaded)")
                #expect(try other.inspect("localhost/built:1")["Id"] as? String == id)
                try other.write(
                    "compose.yaml",
                    """
                    name: x
                    services: {a: {image: "localhost/built:1", command: "ls -ln /app /private /tree"}}

                    """)
                let ran = try other.run("run", "--rm", "-T", "a")
                #expect(ran.status == 0 && ran.stdout.contains("soft -> app"), "\(ran)")
                #expect(ran.stdout.contains("prw"), "\(ran)")
                #expect(try other.run("down").status == 0)
            }
        }
    }

    @Test("a pushed build comes back as the same image; pushing again brings nothing; nothing is left behind")
    func push() throws {
        try withWorld { world in
            try world.writeBuildContext()
            let registry = try RealRegistry(world, port: 5871)
            defer { registry.stop() }
            let name = "127.0.0.1:5871/team/built:1"
            let built = try world.build(BuildResultTests.app, tag: name)
            #expect(built.status == 0, "\(built)")
            let id = try world.inspect(name)["Id"] as? String
            let first = try world.run("image", "push", name)
            #expect(first.status == 0, "\(first)")
            let second = try world.run("image", "push", name)
            #expect(second.status == 0 && !second.stderr.contains("Pushed "), "\(second)")
            #expect(first.stdout == second.stdout, "equal bytes have equal digests")
            #expect(try world.run("system", "check").stdout == "nothing is wrong\n")
            #expect(try world.run("image", "rm", name).status == 0)
            #expect(try world.run("builder", "prune", "-f").status == 0)
            let pulled = try world.run("image", "pull", name)
            #expect(pulled.status == 0, "\(pulled)")
            #expect(try world.inspect(name)["Id"] as? String == id)
            #expect(try world.run("system", "check").stdout == "nothing is wrong\n")
        }
    }

    @Test("with SOURCE_DATE_EPOCH two builds are equal to the bit, whatever time it is and wherever they are made")
    func reproducible() throws {
        var ids: [String] = []
        let base = "\(NSTemporaryDirectory())/berth-base-\(UUID().uuidString).tar"
        defer { try? FileManager.default.removeItem(atPath: base) }
        for isFirst in [true, false] {
            try withWorld(image: isFirst) { world in
                try world.writeBuildContext()
                if isFirst {
                    #expect(try world.run("image", "save", "-o", base, "localhost/busybox:1").status == 0)
                } else {
                    #expect(try world.run("image", "load", "-i", base).status == 0)
                }
                let built = try world.build(
                    BuildResultTests.app, ["--build-arg", "SOURCE_DATE_EPOCH=1000000000", "--no-cache"])
                #expect(built.status == 0, "\(built)")
                ids.append(try world.inspect("localhost/built:1")["Id"] as? String ?? "none")
                #expect(try world.inspect("localhost/built:1")["Created"] as? String == "2001-09-09T01:46:40Z")
            }
        }
        #expect(ids.count == 2 && ids[0] == ids[1] && ids[0] != "none", "\(ids)")
    }

    @Test("--output: files of a directory, a tar, archives; no image stays")
    func outputs() throws {
        try withWorld { world in
            try world.writeBuildContext()
            let place = world.root.path
            let app = """
                FROM localhost/busybox:1 AS make
                RUN mkdir /out && echo made > /out/file && ln -s /etc/passwd /out/link
                RUN chown 5:6 /out/file && chmod 4750 /out/file
                FROM scratch
                COPY --from=make /out /
                COPY a.txt /deep/a.txt

                """
            func images() throws -> [String] { try world.run("image", "ls", "-q").lines }
            let before = try images()
            // A link that is there leads nowhere else; what is there and is not in the image stays.
            let links = "ln -s '\(place)/other' '\(place)/out/deep-link'"
            _ = try Shell.run(
                "mkdir -p '\(place)/out' '\(place)/other'; \(links); touch '\(place)/out/mine'"
            )
            let local = try world.build(app, ["-o", "\(place)/out"])
            #expect(local.status == 0, "\(local)")
            let listed = try Shell.run(
                "cd '\(place)/out' && stat -c '%n %a %u %F' deep/a.txt file link mine && readlink link && cat file")
            #expect(
                listed.stdout == """
                    deep/a.txt 644 0 regular file
                    file 4750 0 regular file
                    link 777 0 symbolic link
                    mine 644 0 regular empty file
                    /etc/passwd
                    made

                    """, "\(listed)")
            let tar = try world.build(app, ["--output", "type=tar,dest=\(place)/out.tar"])
            #expect(tar.status == 0, "\(tar)")
            let members = try Shell.run(
                "tar -tvf '\(place)/out.tar' --numeric-owner | awk '{print $1,$2,$6}' | sort -k3")
            #expect(
                members.stdout.contains("-rwsr-x--- 5/6 file\n") && members.stdout.contains("deep/a.txt"), "\(members)")
            let piped = try world.onHost("'\(world.berth)' image build -q -f Dockerfile.row -o - . | tar -xOf - file")
            #expect(piped.stdout.hasSuffix("made\n"), "\(piped)")
            #expect(try images() == before, "an output is no image")
            for kind in ["oci", "docker"] {
                let archive = try world.build(
                    app, ["-o", "type=\(kind),dest=\(place)/\(kind).tar"], tag: "localhost/out:2")
                #expect(archive.status == 0, "\(archive)")
                #expect(try images() == before)
                let copied = try Shell.run(
                    "skopeo inspect \(kind == "oci" ? "oci" : "docker")-archive:'\(place)/\(kind).tar'")
                #expect(copied.status == 0, "\(copied)")
            }
            #expect(try world.run("image", "load", "-i", "\(place)/oci.tar").stdout.contains("localhost/out:2"))
            // An image that was there before is not taken away.
            let kept = try world.build(app, ["-o", "type=cacheonly"])
            #expect(kept.status == 0, "\(kept)")
            for wrong in ["type=nothing,dest=x", "type=local", "type=oci,x", ""] {
                let refused = try world.build(app, ["--output", wrong])
                #expect(refused.status == 1 && refused.stderr.contains("--output"), "\(wrong): \(refused)")
            }
        }
    }

    @Test("history: the last step first, each with what it added; what a step says cannot reach the terminal")
    func history() throws {
        try withWorld { world in
            try world.writeBuildContext()
            let built = try world.build(
                "FROM localhost/busybox:1\nENV A=b\nRUN head -c 5000 /dev/zero > /x\nLABEL bad=\"\u{1B}[2J\"\n")
            #expect(built.status == 0, "\(built)")
            let shown = try world.run("image", "history", "localhost/built:1")
            #expect(shown.status == 0 && !shown.stdout.contains("\u{1B}"), "\(shown)")
            let lines = shown.lines
            #expect(lines[0].hasPrefix("IMAGE") && lines[1].contains("LABEL bad=") && lines[1].contains(" 0B "))
            #expect(lines[2].contains("RUN /bin/sh -c head") && lines[2].hasPrefix("<missing>"), "\(shown)")
            #expect(lines[2].contains("seconds ago") || lines[2].contains("second ago"), "\(shown)")
            #expect(lines[3].contains("ENV A=b") && lines.count == 5, "\(shown)")
            let whole = try world.run("image", "history", "--no-trunc", "-q", "localhost/built:1").lines
            #expect(try whole[0] == world.inspect("localhost/built:1")["Id"] as? String)
            let sizes = try world.run("image", "history", "--no-human", "--format", "json", "localhost/built:1").lines
            let step = try #require(sizes.first { $0.contains("RUN") })
            let object = try JSONSerialization.jsonObject(with: Data(step.utf8)) as? [String: String] ?? [:]
            #expect(Int(object["Size"] ?? "").map { (5000..<20_000).contains($0) } == true, "\(object)")
            #expect(try world.run("image", "history", "nobody").status == 1)
        }
    }

    @Test("flags of docker build: honoured, or said to mean nothing; a wrong one is an error")
    func flags() throws {
        try withWorld { world in
            let limits = "test $(ulimit -n) = 77 && test $(df -k /dev/shm | awk 'END {print $2}') = 3072"
            let built = try world.build(
                "FROM localhost/busybox:1\nRUN \(limits)\n",
                ["--shm-size", "3m", "--ulimit", "nofile=77:88", "--annotation", "org.example.a=b c"])
            #expect(built.status == 0 && !built.stderr.contains("no effect"), "\(built)")
            #expect(try world.run("image", "save", "-o", "\(world.root.path)/a.tar", "localhost/built:1").status == 0)
            let manifests = try Shell.run(
                "cd '\(world.root.path)'; mkdir a; tar -xf a.tar -C a; grep -rl '\"org.example.a\":\"b c\"' a/blobs"
            )
            #expect(manifests.lines.count == 1, "\(manifests)")
            let quiet = try world.build(
                "FROM localhost/busybox:1\n",
                ["--load", "--provenance=false", "--sbom=false", "--rm", "--force-rm", "--builder", "default"])
            #expect(quiet.status == 0 && !quiet.stderr.contains("no effect"), "\(quiet)")
            for flag in [
                ["--cache-from", "x"], ["--cache-to", "type=inline"], ["--builder", "y"], ["--memory", "1g"],
            ] {
                let warned = try world.build("FROM localhost/busybox:1\n", flag)
                #expect(warned.status == 0 && warned.stderr.contains("\(flag[0]) has no effect"), "\(warned)")
            }
            #expect(
                try world.build("FROM localhost/busybox:1\n", ["--provenance=true"]).stderr.contains("attestations"))
            for flag in [
                ["--ulimit", "nofile"], ["--ulimit", "nofile=a:b"], ["--shm-size", "big"], ["--annotation", "a"],
            ] {
                let refused = try world.build("FROM localhost/busybox:1\n", flag)
                #expect(refused.status == 1 && refused.stderr.contains(flag[1]), "\(refused)")
            }
        }
    }

    @Test("--check builds nothing, tells what is probably not meant, and fails on any")
    func checks() throws {
        try withWorld(image: false) { world in
            let loose = try world.build("FROM scratch as one\nFROM one\nCMD run me\nWORKDIR here\n", ["--check"])
            #expect(loose.status == 1, "\(loose)")
            for rule in [
                "FromAsCasing", "JSONArgsRecommended", "WorkdirRelativePath", "Dockerfile.row:1:", "3 warnings",
            ] {
                #expect(loose.stderr.contains(rule), "\(rule): \(loose)")
            }
            let tidy = try world.build("FROM scratch\nCMD [\"run\"]\n", ["--check"])
            #expect(tidy.status == 0 && tidy.stdout == "Check complete, no warnings found.\n", "\(tidy)")
            let strict = try world.build("# check=error=true\nFROM scratch\nCMD run me\n")
            #expect(strict.status == 1 && strict.stderr.contains("JSONArgsRecommended"), "\(strict)")
            let skipped = try world.build("# check=skip=JSONArgsRecommended;error=true\nFROM scratch\nCMD run me\n")
            #expect(skipped.status == 0 && !skipped.stderr.contains("JSONArgs"), "\(skipped)")
            #expect(try world.run("image", "ls", "-q").lines.count == 1)
        }
    }
}
