// Building: what instructions do, seen from inside the images that they make.
import Foundation
import Testing

/// A Dockerfile whose RUN steps look for themselves whether what stands before them is right.
struct BuildRow: Sendable {
    var name: String
    var arguments: [String] = []
    /// Nil: it builds. Otherwise what the error must say.
    var fails: String?
    var dockerfile = ""

    /// Rows of a fixture: `=== name`, then `--- arguments: a | b` and `--- fails: words` where they apply, then the
    /// Dockerfile; `^M` is a carriage return.
    static func read(_ name: String) throws -> [BuildRow] {
        let url = SourceRoot.url.appendingPathComponent("Tests/EndToEndTests/Fixtures/dockerfiles/\(name).rows")
        var rows: [BuildRow] = []
        for line in try String(contentsOf: url, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        {
            if line.hasPrefix("=== ") {
                rows.append(BuildRow(name: String(line.dropFirst(4))))
            } else if rows.isEmpty {
                continue
            } else if line.hasPrefix("--- arguments: ") {
                rows[rows.count - 1].arguments = line.dropFirst(15).components(separatedBy: " | ")
            } else if line.hasPrefix("--- fails: ") {
                rows[rows.count - 1].fails = String(line.dropFirst(11))
            } else {
                rows[rows.count - 1].dockerfile += line.replacingOccurrences(of: "^M", with: "\r") + "\n"
            }
        }
        return rows
    }
}

extension World {
    /// The context that all rows share.
    func writeBuildContext() throws {
        try write("a.txt", "alpha\n")
        try write("b.txt", "beta\n")
        try write("odd name.txt", "odd\n")
        try write("tree/one.txt", "1\n")
        try write("tree/deep/two.txt", "2\n")
        try write("tree/deep/three.md", "3\n")
        try write("ignored/secret.txt", "never\n")
        try write("kept.log", "kept\n")
        try write("other.log", "other\n")
        try write(".dockerignore", "ignored\n*.log\n!kept.log\n")
        try write("run.sh", "#!/bin/sh\necho ran\n")
        let made = try Shell.run(
            """
            set -e; cd '\(stackDirectory.path)'
            chmod 755 run.sh; chmod 640 b.txt; ln -s one.txt tree/link; ln -s tree/one.txt toplink
            ln -s /etc/shadow escape; touch -d '2001-02-03 04:05:06 UTC' a.txt
            mkdir pack; echo packed > pack/inside; tar -C pack --owner=7 --group=8 -czf pack.tar.gz .; rm -r pack
            """)
        guard made.status == 0 else { throw WorldError("making the context: \(made)") }
    }

    func build(_ dockerfile: String, _ arguments: [String] = [], tag: String = "localhost/built:1") throws -> Output {
        try write("Dockerfile.row", dockerfile)
        return try start(
            ["image", "build", "--progress", "plain", "-f", "Dockerfile.row", "-t", tag] + arguments + ["."]
        ).wait(limit: 90)
    }

    func inspect(_ image: String) throws -> [String: Any] {
        let output = try run("image", "inspect", image)
        let array = try JSONSerialization.jsonObject(with: Data(output.stdout.utf8)) as? [[String: Any]]
        guard let first = array?.first else { throw WorldError("no image: \(output)") }
        return first
    }
}

@Suite("End to end: instructions of a Dockerfile", .serialized)
struct BuildInstructionTests {
    private func check(_ fixture: String) throws {
        let rows = try BuildRow.read(fixture)
        #expect(!rows.isEmpty)
        try withWorld { world in
            try world.writeBuildContext()
            for row in rows {
                let built = try world.build(row.dockerfile, row.arguments)
                if let words = row.fails {
                    #expect(built.status != 0, "\(row.name): it must not build\n\(built)")
                    #expect(built.stderr.contains(words), "\(row.name): expected \"\(words)\"\n\(built)")
                } else {
                    #expect(built.status == 0, "\(row.name)\n\(built)")
                }
            }
            #expect(try world.run("system", "check").stdout == "nothing is wrong\n")
        }
    }

    @Test("RUN: forms, heredocs, environment, users, shells") func commands() throws { try check("run") }
    @Test("RUN --mount, --network, --security") func mounts() throws { try check("mounts") }
    @Test("ARG and ENV: scopes, defaults, overriding") func arguments() throws { try check("arguments") }
    @Test("COPY: sources, destinations, owners, modes") func copies() throws { try check("copies") }
    @Test("ADD: archives") func adds() throws { try check("adds") }
    @Test("FROM: stages by name and number, what is built") func stages() throws { try check("stages") }
    @Test("WORKDIR, USER, VOLUME, ONBUILD and what is refused") func others() throws { try check("others") }
}
