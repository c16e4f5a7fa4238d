// Addresses of repositories, with what is meant of them.
import Testing

@testable import BerthBuild

@Suite("Git addresses")
struct GitAddressTests {
    @Test(
        "remote, reference and directory",
        arguments: [
            ("https://example.com/a.git", "https://example.com/a.git", nil, nil),
            ("https://example.com/a.git#main", "https://example.com/a.git", "main", nil),
            ("https://example.com/a.git#:sub/dir", "https://example.com/a.git", nil, "sub/dir"),
            ("https://example.com/a.git#v1:/sub/./dir/", "https://example.com/a.git", "v1", "sub/dir"),
            ("git://example.com/a#feature/x", "git://example.com/a", "feature/x", nil),
            ("https://example.com/a.git#", "https://example.com/a.git", nil, nil),
            ("https://example.com/a.git#:", "https://example.com/a.git", nil, nil),
            ("https://example.com/a.git#refs/pull/3/head", "https://example.com/a.git", "refs/pull/3/head", nil),
        ] as [(String, String, String?, String?)])
    func parts(text: String, remote: String, reference: String?, directory: String?) throws {
        let address = try GitAddress(text)
        #expect(address.remote == remote && address.reference == reference && address.directory == directory)
    }

    @Test(
        "what could be an option, or leads elsewhere, is none",
        arguments: [
            "https://example.com/a.git#-x", "https://example.com/a.git#a..b", "https://example.com/a.git#a b",
            "https://example.com/a.git#a^", "https://example.com/a.git#a~1", "https://example.com/a.git#@{u}x@{",
            "https://example.com/a.git#v1:../x", "https://example.com/a.git#v1:a/../../x", "https://-x/a.git",
            "https://user:password@example.com/a.git", "https:///a.git", "https://example.com/a b.git",
            "ssh://git@example.com/a", "git@example.com:a", "file:///a.git", "ext::sh -c x",
            "https://example.com/a.git#a//b",
            "https://example.com/a.git#a.lock", "https://example.com/a.git#*",
        ])
    func refused(text: String) { #expect(throws: GitAddress.Trouble.self) { try GitAddress(text) } }
}
