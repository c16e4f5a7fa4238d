// The same Dockerfile and context, built by berth and by buildah: equal trees, equal settings.
import Foundation
import Testing

@Suite("End to end: builds beside buildah", .serialized)
struct BuildOracleTests {
    /// Where both agree on what a Dockerfile means; where BuildKit differs from buildah, berth follows BuildKit.
    static let dockerfiles: [(name: String, text: String)] = [
        (
            "copies",
            """
            COPY a.txt b.txt /x/
            COPY tree /tree
            COPY tree/deep/*.txt /y/
            COPY --chown=7:8 tree /owned
            COPY --chmod=700 a.txt /mode
            COPY toplink /followed
            COPY . /all/
            """
        ),
        (
            "commands",
            """
            ARG V=one
            ENV A=$V B="two words" C=${V}x
            RUN echo $A $B $C > /said && mkdir -m 750 /made && ln -s said /made/link && rm /etc/group
            RUN echo more >> /said; chown 5:6 /said; chmod 4711 /said
            """
        ),
        (
            "places",
            """
            WORKDIR /one/two
            RUN pwd > here
            WORKDIR three
            COPY a.txt .
            ENV D=/four
            WORKDIR $D/five
            COPY a.txt b.txt ./
            """
        ),
        (
            "stages",
            """
            RUN mkdir /out && echo made > /out/file && chown 3:4 /out/file && ln -s file /out/link
            FROM localhost/busybox:1 AS second
            COPY --from=0 /out /from
            FROM second
            COPY --from=second /from/file /again/
            """
        ),
        ("archives", "ADD tree.tar.gz /unpacked/\nADD a.txt /plain/\nCOPY tree.tar.gz /kept/"),
        (
            "settings",
            """
            LABEL one=1 "two words"="a b"
            LABEL one=2
            EXPOSE 80 53/udp
            VOLUME ["/data", "/more"]
            WORKDIR /home
            USER 5:6
            STOPSIGNAL SIGINT
            ENV PATH=/p:$PATH X="quoted $HOME" Y=a\\ b
            ENTRYPOINT ["entry", "point"]
            CMD ["one", "two"]
            """
        ),
        (
            "shells",
            """
            ENTRYPOINT exec entry
            CMD words of a shell
            SHELL ["/bin/sh", "-ec"]
            RUN echo $0 > /shell
            """
        ),
    ]

    /// Every path with its kind, mode, owner, link and content; times are each builder's own.
    private func listing(_ directory: String) throws -> [String] {
        try Shell.run(
            """
            cd '\(directory)' && find . -mindepth 1 -printf '%P %y %m %U:%G %l\\n' | sort
            find . -type f -exec sha256sum {} + | sort -k2
            """
        ).lines.filter { line in
            // What a builder puts into every tree while commands run.
            !["proc", "sys", "dev", "run", "etc/hosts", "etc/resolv.conf", "etc/hostname", "./etc/"].contains {
                line.hasPrefix($0) || line.contains(" ./\($0)")
            }
        }
    }

    private static let settings = [
        "Cmd", "Entrypoint", "Env", "ExposedPorts", "Labels", "StopSignal", "User", "Volumes", "WorkingDir",
    ]

    private func settings(_ text: String) throws -> [String: String] {
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        let config = object?["config"] as? [String: Any] ?? [:]
        var found: [String: String] = [:]
        for key in BuildOracleTests.settings {
            guard let value = config[key] else { continue }
            var words = value
            if var labels = value as? [String: String] {
                labels["io.buildah.version"] = nil
                words = labels
            }
            let bytes = try JSONSerialization.data(withJSONObject: words, options: [.sortedKeys, .fragmentsAllowed])
            let shown = String(decoding: bytes, as: UTF8.self)
            if !["\"\"", "{}", "[]"].contains(shown) { found[key] = shown }
        }
        return found
    }

    @Test("trees and settings are the same")
    func same() throws {
        try withWorld { world in
            try world.writeBuildContext()
            let place = world.root.path
            let storage = "--root '\(place)/b' --runroot '\(place)/br' --storage-driver vfs"
            let prepared = try Shell.run(
                """
                set -e; cd '\(world.stackDirectory.path)'; tar --owner=9 --group=9 -czf tree.tar.gz tree
                printf '%s\\n' '{"default": [{"type": "insecureAcceptAnything"}]}' > '\(place)/policy.json'
                """)
            #expect(prepared.status == 0, "\(prepared)")
            let base = "\(place)/base.tar"
            #expect(try world.run("image", "save", "-o", base, "localhost/busybox:1").status == 0)
            let policy = "--signature-policy '\(place)/policy.json'"
            let loaded = try Shell.run("buildah \(storage) pull -q \(policy) docker-archive:'\(base)'")
            #expect(loaded.status == 0, "\(loaded)")
            for (name, text) in BuildOracleTests.dockerfiles {
                let dockerfile = "FROM localhost/busybox:1\n\(text)\n"
                let built = try world.build(dockerfile)
                #expect(built.status == 0, "\(name): \(built)")
                #expect(try world.run("image", "save", "-o", "\(place)/saved.tar", "localhost/built:1").status == 0)
                let exported = try world.build(dockerfile, ["-o", "type=tar,dest=\(place)/ours.tar"])
                #expect(exported.status == 0, "\(exported)")
                let peer = try Shell.run(
                    """
                    set -e; cd '\(world.stackDirectory.path)'
                    buildah \(storage) bud -q --isolation chroot \(policy) -t peer:1 -f Dockerfile.row . > /dev/null
                    mkdir '\(place)/ours'; tar -xpf '\(place)/ours.tar' --numeric-owner -C '\(place)/ours'
                    c=$(buildah \(storage) from \(policy) --pull-never peer:1); m=$(buildah \(storage) mount "$c")
                    cp -a "$m" '\(place)/theirs'
                    buildah \(storage) push -q \(policy) peer:1 oci:'\(place)/peer':1
                    """)
                #expect(peer.status == 0, "\(name): \(peer)")
                let ours = try listing("\(place)/ours")
                let theirs = try listing("\(place)/theirs")
                #expect(Set(ours).symmetricDifference(theirs).sorted() == [], "\(name)")
                #expect(ours.count > 300, "\(name): there is something to compare")
                let said = try Shell.run("skopeo inspect --config docker-archive:'\(place)/saved.tar'").stdout
                let theirSaid = try Shell.run("skopeo inspect --config oci:'\(place)/peer':1").stdout
                let (own, other) = (try settings(said), try settings(theirSaid))
                #expect(own == other, "\(name)")
                _ = try Shell.run("rm -rf '\(place)/ours' '\(place)/theirs' '\(place)/peer'")
            }
            let gone = try Shell.run("buildah \(storage) rm --all; buildah \(storage) rmi --all --force")
            #expect(gone.status == 0, "\(gone)")
        }
    }
}
