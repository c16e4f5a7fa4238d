// What is an address, and of what.
import Testing

@testable import BerthBuild

@Suite("Remote addresses")
struct RemoteAddressTests {
    @Test(
        "sources",
        arguments: [
            ("a/b.txt", nil), ("./http://x", nil), ("http:/x", nil), ("github.com/a/b", nil), ("git@host", nil),
            ("git@dir/a:b", nil), ("user@host:path", nil),
            ("https://example.com/a.tar", .web("https://example.com/a.tar")),
            ("HTTP://example.com/a", .web("HTTP://example.com/a")),
            ("https://example.com/a.git?x", .git("https://example.com/a.git?x")),
            ("https://example.com/a.git", .git("https://example.com/a.git")),
            ("https://example.com/a.git#main:sub", .git("https://example.com/a.git#main:sub")),
            ("https://example.com/a?b=c.git", .web("https://example.com/a?b=c.git")),
            ("git://example.com/a", .git("git://example.com/a")),
            ("ssh://git@example.com/a", .git("ssh://git@example.com/a")),
            ("git@example.com:a/b.git", .git("git@example.com:a/b.git")),
        ] as [(String, RemoteAddress?)])
    func sources(text: String, address: RemoteAddress?) { #expect(RemoteAddress(text) == address) }

    @Test("a context may leave the scheme of a known host out")
    func contexts() {
        #expect(RemoteAddress("github.com/a/b", isContext: true) == .git("https://github.com/a/b"))
        #expect(RemoteAddress("dir", isContext: true) == nil)
    }
}
