// Which files a COPY means and where they land: BuildKit's rules, case by case.
import BerthLinux
import BerthModel
import Testing

@testable import BerthBuild

@Suite("Copy: selection and destination")
struct CopySelectionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var sources: [String]
        var destination: String
        /// Nil: an error.
        var result: [String]?
        var target: [String] = []
        var testDescription: String { "\(sources) \(destination)" }
    }

    static let context = [
        "a.txt=a", "b.txt=b", ".hidden=h", "dir/x=x", "dir/sub/y=y", "dir/in->x", "link->a.txt", "dirlink->dir",
        "dangling->nowhere", "abs/l->/a.txt", "abs/a.txt=wrong", "abs/up->../../../../b.txt", "odd[1].txt=odd",
        "star*=star", "other/x=ox", "empty/",
    ]

    @Test(
        "where files land",
        arguments: [
            Case(sources: ["a.txt"], destination: "/f", result: ["f=a"]),
            Case(sources: ["a.txt"], destination: "/d/", result: ["d/", "d/a.txt=a"]),
            Case(sources: ["a.txt"], destination: "/d/e/f", result: ["d/", "d/e/", "d/e/f=a"]),
            Case(sources: ["a.txt"], destination: ".", result: ["w/", "w/a.txt=a"]),
            Case(sources: ["a.txt"], destination: "", result: ["w/", "w/a.txt=a"]),
            Case(sources: ["a.txt"], destination: "r/", result: ["w/", "w/r/", "w/r/a.txt=a"]),
            Case(sources: ["a.txt"], destination: "../up", result: ["up=a"]),
            Case(sources: ["a.txt"], destination: "/../../up", result: ["up=a"]),
            Case(sources: ["a.txt"], destination: "/d", result: ["d/", "d/a.txt=a"], target: ["d/"]),
            Case(sources: ["a.txt"], destination: "/f", result: ["f=a"], target: ["f=old"]),
            Case(sources: ["a.txt"], destination: "/l", result: ["f=a", "l->f"], target: ["f=old", "l->f"]),
            Case(sources: ["a.txt"], destination: "/l", result: ["d/", "d/a.txt=a", "l->d"], target: ["d/", "l->d"]),
            Case(
                sources: ["a.txt"], destination: "/l/f", result: ["l->m/n", "m/", "m/n/", "m/n/f=a"], target: ["l->m/n"]
            ),
            Case(sources: ["a.txt"], destination: "/d/", result: ["d/", "d/a.txt=a"], target: ["d/a.txt->../t"]),
            Case(
                sources: ["a.txt"], destination: "/d/l/", result: ["d/", "d/l->/e", "e/", "e/a.txt=a"],
                target: ["d/l->/e"]),
            Case(sources: ["a.txt"], destination: "/d/", result: nil, target: ["d/a.txt/"]),
            Case(sources: ["a.txt"], destination: "/f/", result: nil, target: ["f=old"]),
            Case(sources: ["a.txt"], destination: "/f/g", result: nil, target: ["f=old"]),
            Case(sources: ["dir"], destination: "/", result: ["in->x", "sub/", "sub/y=y", "x=x"]),
            Case(sources: ["dir/"], destination: "/n", result: ["n/", "n/in->x", "n/sub/", "n/sub/y=y", "n/x=x"]),
            Case(sources: ["dir"], destination: "/n", result: nil, target: ["n=file"]),
            Case(
                sources: ["dir"], destination: "/n", target: ["n/old=o", "n/sub/z=z", "n/x=old"]
            ) { ["n/", "n/in->x", "n/old=o", "n/sub/", "n/sub/y=y", "n/sub/z=z", "n/x=x"] },
            Case(sources: ["dir"], destination: "/n", result: nil, target: ["n/x/"]),
            Case(sources: ["dir"], destination: "/n", result: nil, target: ["n/sub=file"]),
            Case(sources: ["dir"], destination: "/n", result: nil, target: ["n/sub->/", "n/q/"]),
            Case(sources: ["empty"], destination: "/n", result: ["n/"]),
            Case(sources: ["a.txt", "b.txt"], destination: "/d/", result: ["d/", "d/a.txt=a", "d/b.txt=b"]),
            Case(sources: ["a.txt", "b.txt"], destination: ".", result: ["w/", "w/a.txt=a", "w/b.txt=b"]),
            Case(sources: ["a.txt", "b.txt"], destination: "/d", result: nil),
            Case(sources: ["a.txt", "b.txt"], destination: "/d", result: nil, target: ["d/"]),
            Case(sources: ["dir", "other"], destination: "/", result: ["in->x", "sub/", "sub/y=y", "x=ox"]),
        ])
    func places(test: Case) throws { try check(test) }

    @Test(
        "what a word names",
        arguments: [
            Case(sources: ["../a.txt"], destination: "/", result: ["a.txt=a"]),
            Case(sources: ["/a.txt"], destination: "/", result: ["a.txt=a"]),
            Case(sources: ["dir/../../../b.txt"], destination: "/", result: ["b.txt=b"]),
            Case(sources: ["link"], destination: "/", result: ["link=a"]),
            Case(sources: ["dirlink"], destination: "/", result: ["in->x", "sub/", "sub/y=y", "x=x"]),
            Case(sources: ["dirlink/x"], destination: "/", result: ["x=x"]),
            Case(sources: ["dirlink/sub/*"], destination: "/", result: ["y=y"]),
            Case(sources: ["lin*"], destination: "/", result: ["link=a"]),
            Case(sources: ["abs/l"], destination: "/", result: ["l=a"]),
            Case(sources: ["abs/up"], destination: "/", result: ["up=b"]),
            Case(sources: ["dangling"], destination: "/", result: nil),
            Case(sources: ["missing"], destination: "/", result: nil),
            Case(sources: ["a.txt/x"], destination: "/", result: nil),
            Case(sources: ["*.txt"], destination: "/d/", result: ["d/", "d/a.txt=a", "d/b.txt=b", "d/odd[1].txt=odd"]),
            Case(sources: ["[ab].txt"], destination: "/", result: ["a.txt=a", "b.txt=b"]),
            Case(sources: ["[^a].txt"], destination: "/", result: ["b.txt=b"]),
            Case(sources: ["?.txt"], destination: "/d", result: nil),
            Case(sources: ["?.txt"], destination: "/d", result: ["d/", "d/a.txt=a", "d/b.txt=b"], target: ["d/"]),
            Case(sources: ["odd[[]1].txt"], destination: "/", result: ["odd[1].txt=odd"]),
            Case(sources: ["odd\\[1\\].txt"], destination: "/", result: ["odd[1].txt=odd"]),
            Case(sources: ["odd[1].txt"], destination: "/", result: []),
            Case(sources: ["star\\*"], destination: "/", result: ["star*=star"]),
            Case(sources: ["*/x"], destination: "/", result: ["x=ox"]),
            Case(sources: ["d*r/*b/y"], destination: "/", result: ["y=y"]),
            Case(sources: ["**/y"], destination: "/", result: []),
            Case(sources: ["o*r"], destination: "/", result: ["x=ox"]),
            Case(sources: ["nothing*"], destination: "/", result: []),
            Case(sources: ["a.txt", "nothing*"], destination: "/", result: ["a.txt=a"]),
            Case(sources: ["a.txt", "missing/*"], destination: "/", result: nil),
            Case(sources: ["[a"], destination: "/", result: nil),
            Case(sources: [".h*"], destination: "/", result: [".hidden=h"]),
        ])
    func words(test: Case) throws { try check(test) }

    private func check(_ test: Case) throws {
        let world = try CopyWorld(CopySelectionTests.context, target: test.target)
        func copy() throws { try world.copy(test.sources, test.destination) { $0.workingDirectory = "/w" } }
        if let result = test.result {
            try copy()
            #expect(try world.listing() == result)
        } else {
            #expect(throws: BerthError.self) { try copy() }
        }
    }

    // MARK: --parents and --exclude

    @Test(
        "--parents keeps directories, from a pivot on",
        arguments: [
            (["a/b/c.txt"], "/d/", ["d/", "d/a/", "d/a/b/", "d/a/b/c.txt=c"]),
            (["a/./b/c.txt"], "/d/", ["d/", "d/b/", "d/b/c.txt=c"]),
            (["./a/b/c.txt"], "/", ["a/", "a/b/", "a/b/c.txt=c"]),
            (["**/*.txt"], "/", ["a/", "a/b/", "a/b/c.txt=c", "top.txt=t"]),
            (["a/*/c.txt"], "/", ["a/", "a/b/", "a/b/c.txt=c"]),
            (["a/b"], "/", ["a/", "a/b/", "a/b/c.txt=c", "a/b/d.md=d"]),
            (["a/./."], "/", ["b/", "b/c.txt=c", "b/d.md=d", "e/", "e/f.md=f"]),
            (["top.txt", "a/e"], "/", ["a/", "a/e/", "a/e/f.md=f", "top.txt=t"]),
            (["*/./b/*.md"], "/", ["b/", "b/d.md=d"]),
            (["!odd"], "/", ["!odd=o"]),
        ])
    func parents(sources: [String], destination: String, result: [String]) throws {
        let world = try CopyWorld(["a/b/c.txt=c", "a/b/d.md=d", "a/e/f.md=f", "top.txt=t", "!odd=o"])
        try world.copy(sources, destination) { $0.keepsParents = true }
        #expect(try world.listing() == result)
    }

    @Test("--parents takes a directory's mode along, and leaves one that is there as it is")
    func parentsModes() throws {
        let world = try CopyWorld(["a/b/c=c", "k/l=l"], target: ["k/"])
        try world.run("/bin/chmod", ["750", "\(world.contextPath)/a", "\(world.contextPath)/k"])
        try world.copy(["a/b/c", "k/l"], "/") { $0.keepsParents = true }
        #expect(try world.status("a").mode == 0o750)
        #expect(try world.status("k").mode == 0o755)
        #expect(throws: BerthError.self) { try world.select(["a/nothing"]) { $0.keepsParents = true } }
    }

    @Test(
        "--exclude is relative to the source",
        arguments: [
            (["dir"], ["x"], ["in->x", "sub/", "sub/y=y"]), (["dir"], ["sub"], ["in->x", "x=x"]),
            (["dir"], ["**/y"], ["in->x", "sub/", "x=x"]), (["dir"], ["*", "!sub/y"], ["sub/", "sub/y=y"]),
            (["*.txt"], ["a*"], ["b.txt=b", "odd[1].txt=odd"]),
            (["dir"], ["dir/x"], ["in->x", "sub/", "sub/y=y", "x=x"]),
        ])
    func excludes(sources: [String], excludes: [String], result: [String]) throws {
        let world = try CopyWorld(CopySelectionTests.context)
        try world.copy(sources, "/") { $0.excludes = excludes }
        #expect(try world.listing() == result)
    }

    // MARK: .dockerignore

    @Test(
        "what is ignored does not exist",
        arguments: [
            (["."], ["*", "!dir"], ["dir/", "dir/in->x", "dir/sub/", "dir/sub/y=y", "dir/x=x"]),
            (["."], ["*", "!dir/sub/y"], ["dir/", "dir/sub/", "dir/sub/y=y"]),
            (["."], ["*", "!**/y"], ["dir/", "dir/sub/", "dir/sub/y=y"]),
            (["dir"], ["dir/*", "!dir/sub"], ["sub/", "sub/y=y"]),
            (["dir/sub"], ["dir", "!dir/sub/y"], ["y=y"]), (["dir"], ["**/x"], ["in->x", "sub/", "sub/y=y"]),
            (["*.txt"], ["b.txt", "odd*"], ["a.txt=a"]), (["*r"], ["dir"], ["x=ox"]),
            (["*r"], ["dir", "!dir/nothing"], ["x=ox"]),
        ])
    func ignores(sources: [String], ignored: [String], result: [String]) throws {
        let world = try CopyWorld(CopySelectionTests.context)
        try world.copy(sources, "/", ignoring: ignored)
        #expect(try world.listing() == result)
    }

    @Test(
        "naming what is ignored is an error that says so, through links too",
        arguments: [
            ("a.txt", ["a.txt"]), ("link", ["a.txt"]), ("link", ["link"]), ("dir", ["dir"]),
            ("dir", ["dir", "!dir/missing"]), ("dirlink/x", ["dir"]), ("dir/x", ["*", "!dir/sub"]),
            ("dir/*", ["dir"]),
        ])
    func ignoredSource(source: String, ignored: [String]) throws {
        let world = try CopyWorld(CopySelectionTests.context)
        let error = #expect(throws: BerthError.self) { try world.select([source], ignoring: ignored) }
        #expect(error?.code == .notFound && error?.subject == source)
        if !source.contains("*") { #expect(error?.hint?.contains(".dockerignore") == true) }
        let plain = #expect(throws: BerthError.self) { try world.select(["missing"], ignoring: ignored) }
        #expect(plain?.hint == nil)
    }

    @Test("the Dockerfile's own ignore file comes first; a malformed pattern is an error")
    func ignoreFile() throws {
        let world = try CopyWorld([".dockerignore=a", "sub/Dockerfile.dockerignore=b\n!c"])
        #expect(
            try IgnoreFile.find(in: world.context, dockerfile: "sub/Dockerfile")?.path == "sub/Dockerfile.dockerignore")
        #expect(try IgnoreFile.find(in: world.context, dockerfile: "Dockerfile")?.patterns == IgnorePatterns(["a"]))
        #expect(
            try IgnoreFile.find(in: world.context, dockerfile: nil, besideDockerfile: "z")?.patterns
                == IgnorePatterns(["z"]))
        try world.make([".dockerignore=x\n[a\n"])
        #expect(throws: BerthError.self) { try IgnoreFile.find(in: world.context, dockerfile: nil) }
        #expect(try IgnoreFile.find(in: CopyWorld().context, dockerfile: "Dockerfile") == nil)
        try world.make(["f.dockerignore|"])
        #expect(throws: BerthError.self) { try IgnoreFile.find(in: world.context, dockerfile: "f") }
    }

    @Test(
        "Go's filepath.Match in one name",
        arguments: [
            ("abc", "abc", true), ("*", "abc", true), ("*c", "abc", true), ("a*", "a", true), ("a*", "abc", true),
            ("a*b*c*d*e*", "axbxcxdxe", true), ("a*b?c*x", "abxbbxdbxebxczzx", true),
            ("a*b?c*x", "abxbbxdbxebxczzy", false), ("ab[c]", "abc", true), ("ab[b-d]", "abc", true),
            ("ab[e-g]", "abc", false), ("ab[^c]", "abc", false), ("ab[^b-d]", "abc", false), ("ab[^e-g]", "abc", true),
            ("a\\*b", "a*b", true), ("a\\*b", "ab", false), ("a?b", "a\u{263A}b", true), ("a[^a]b", "a\u{263A}b", true),
            ("a???b", "a\u{263A}b", false), ("[a-\u{3B6}]*", "\u{3B1}", true), ("*[a-\u{3B6}]", "A", false),
            ("[\\]a]", "]", true), ("[\\-]", "-", true), ("[x\\-]", "x", true), ("[x\\-]", "-", true),
            ("[x\\-]", "z", false), ("[\\-x]", "a", false), ("*x", "xxx", true), ("[[]", "[", true),
            ("[z-a]", "m", false),
        ])
    func match(pattern: String, name: String, matches: Bool) throws {
        #expect(try NamePattern(pattern).matches(name) == matches)
    }

    @Test(
        "malformed patterns",
        arguments: ["[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[", "[^", "[^bc", "a[", "\\", "[]"]
    )
    func malformed(pattern: String) {
        #expect(throws: NamePattern.Malformed.self) { try NamePattern(pattern) }
    }
}

extension CopySelectionTests.Case {
    init(sources: [String], destination: String, target: [String], result: () -> [String]) {
        self.init(sources: sources, destination: destination, result: result(), target: target)
    }
}
