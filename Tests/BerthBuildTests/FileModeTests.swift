// What `--chmod` makes of a mode.
import Testing

@testable import BerthBuild

@Suite("Build: modes")
struct FileModeTests {
    /// The text, a mode before, and what a file and a directory have after it.
    private static let rows: [(String, UInt32, UInt32, UInt32)] = [
        ("755", 0o644, 0o755, 0o755), ("0755", 0o644, 0o755, 0o755), ("000000755", 0o600, 0o755, 0o755),
        ("0", 0o777, 0, 0),
        ("7777", 0, 0o7777, 0o7777), ("4755", 0o644, 0o4755, 0o4755), ("+x", 0o644, 0o755, 0o755),
        ("a+x", 0o640, 0o751, 0o751),
        ("u+x", 0o644, 0o744, 0o744), ("go-w", 0o666, 0o644, 0o644), ("-w", 0o666, 0o444, 0o444),
        ("a=r", 0o777, 0o444, 0o444),
        ("=r", 0o4777, 0o444, 0o444), ("=", 0o1777, 0o1000, 0o1000), ("u=", 0o4777, 0o077, 0o077),
        ("o=", 0o777, 0o770, 0o770),
        ("u=rw,g=r,o=", 0o777, 0o640, 0o640), ("u=rwX,go=rX", 0o600, 0o644, 0o755),
        ("u=rwX,go=rX", 0o700, 0o755, 0o755),
        ("a+X", 0o644, 0o644, 0o755), ("a+X", 0o744, 0o755, 0o755), ("+X", 0o100, 0o111, 0o111),
        ("go+rX", 0o700, 0o755, 0o755),
        ("-x+X", 0o755, 0o755, 0o755), ("g=u", 0o740, 0o770, 0o770), ("o=g", 0o750, 0o755, 0o755),
        ("go=u", 0o700, 0o777, 0o777),
        ("g+u", 0o710, 0o770, 0o770), ("o-g", 0o767, 0o761, 0o761), ("u-o", 0o705, 0o205, 0o205),
        ("g=u", 0o2740, 0o2770, 0o2770), ("u+s", 0o755, 0o4755, 0o4755),
        ("g+s", 0o755, 0o2755, 0o2755), ("+s", 0o755, 0o6755, 0o6755), ("o+s", 0o755, 0o755, 0o755),
        ("u-s", 0o6755, 0o2755, 0o2755),
        ("+t", 0o777, 0o1777, 0o1777), ("u+t", 0o777, 0o1777, 0o1777), ("o+t", 0o777, 0o777, 0o777),
        ("-t", 0o1777, 0o777, 0o777),
        ("a=rt", 0o777, 0o1444, 0o1444), ("u+r-w", 0o222, 0o422, 0o422), ("ug+rw,o-rwx", 0o007, 0o660, 0o660),
        ("u+", 0o644, 0o644, 0o644),
        ("uu+x", 0o644, 0o744, 0o744), ("a-r,u+r", 0o644, 0o600, 0o600), ("u=rwx,g=rx,o=rx", 0, 0o755, 0o755),
    ]

    @Test("octal digits set, letters change")
    func rows() throws {
        for (text, before, file, directory) in FileModeTests.rows {
            let mode = try FileMode.parse(text)
            let found = (mode.applied(to: before, isDirectory: false), mode.applied(to: before, isDirectory: true))
            if found != (file, directory) {
                let octal = "\(String(found.0, radix: 8)) \(String(found.1, radix: 8))"
                Issue.record("\(text) of \(String(before, radix: 8)): \(octal)")
            }
        }
    }

    @Test("what is no mode is refused")
    func mistakes() {
        let texts = [
            "", "8", "10000", "77777", "0o755", "+0755x", "rwx", "u", "u+rwxz", "u+x,", ",u+x", "u+x,,g+x", "u x",
            "x+u", "u+x ", "-755", "+755", "a", "u*x",
            "0x1ff", "99999999999999999999",
        ]
        for text in texts {
            #expect(throws: WordError.self, "\(text)") { try FileMode.parse(text) }
        }
    }

    @Test("the same change has the same text")
    func text() throws {
        #expect(try FileMode.parse("0755") == FileMode.parse("755"))
        #expect(try FileMode.parse("u+x") != FileMode.parse("a+x"))
    }
}
