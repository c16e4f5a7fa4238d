// Paths, queries, ranges and pages of the distribution protocol: what is understood, and what is refused.
import BerthModel
import Foundation
import Testing

@testable import BerthRegistry

@Suite("Registry: what requests are about")
struct RouteTests {
    static let hash = "$2y$04$CEiHknOUE0dllAKj5ACFfelNpHQRUElVVPtdsNfon168HEU.Cd7Ry"
    static let digest = Digest(bytes: [UInt8](repeating: 0xAB, count: 32))

    private func code(_ target: String) -> String {
        do {
            _ = try RegistryRoute(target)
            return "understood"
        } catch { return error.code }
    }

    @Test("paths lead to their parts")
    func paths() throws {
        let digest = RouteTests.digest
        let id = "0123456789abcdef0123456789abcdef"
        let table: [(String, RegistryRoute)] = [
            ("/v2/", .base), ("/v2", .base), ("/v2/_catalog?n=3", .catalog), ("/v2/app/tags/list", .tags("app")),
            ("/v2/team/app/manifests/1.0", .manifest("team/app", .tag("1.0"))),
            ("/v2/team/app/manifests/\(digest)", .manifest("team/app", .digest(digest))),
            ("/v2/a/manifests/sha256%3A\(digest.hex)", .manifest("a", .digest(digest))),
            ("/v2/blobs/uploads/blobs/\(digest)", .blob("blobs/uploads", digest)),
            ("/v2/app/blobs/uploads/", .uploads("app")), ("/v2/app/blobs/uploads?mount=x", .uploads("app")),
            ("/v2/app/blobs/uploads/\(id)", .upload("app", id)),
            ("/v2/example.org/x/referrers/\(digest)", .referrers("example.org/x", digest)),
        ]
        for (target, route) in table { #expect(try RegistryRoute(target) == route, "\(target)") }
    }

    @Test(
        "names that lead elsewhere, and what is no name, are refused",
        arguments: [
            ("/v2/../../etc/manifests/x", "NAME_INVALID"), ("/v2/a/../b/tags/list", "NAME_INVALID"),
            ("/v2/%2e%2e/%2e%2e/manifests/x", "NAME_INVALID"), ("/v2/a%2Fb%00/tags/list", "NAME_INVALID"),
            ("/v2/A/tags/list", "NAME_INVALID"), ("/v2/a//b/tags/list", "NAME_INVALID"),
            ("/v2/a:1/tags/list", "NAME_INVALID"), ("/v2/-a/tags/list", "NAME_INVALID"),
            ("/v2/a/manifests/..", "TAG_INVALID"), ("/v2/a/manifests/%2e%2e%2fx", "UNSUPPORTED"),
            ("/v2/a/blobs/sha256:..%2f..%2f", "NAME_INVALID"), ("/v2/a/blobs/sha256:00", "DIGEST_INVALID"),
            ("/v2/a/blobs/sha512:00", "DIGEST_INVALID"), ("/v2/a/blobs/uploads/../../x", "NAME_INVALID"),
            ("/v2/a/blobs/uploads/zz", "BLOB_UPLOAD_UNKNOWN"), ("/v1/a", "UNSUPPORTED"), ("", "UNSUPPORTED"),
            ("/v2/a/%zz/list", "UNSUPPORTED"),
        ])
    func refused(target: String, expected: String) { #expect(code(target) == expected, "\(target)") }

    @Test("a name as long as it may be, and one that is longer")
    func lengths() {
        let long = String(repeating: "a", count: 240)
        #expect(code("/v2/\(long)/tags/list") == "understood")
        #expect(code("/v2/\(long)\(long)/tags/list") == "NAME_INVALID")
        #expect(code("/v2/" + String(repeating: "a/", count: 4000) + "tags/list") == "NAME_INVALID")
    }

    @Test("no bytes of a path stop the parser")
    func anything() {
        var generator = SystemRandomNumberGenerator()
        let pieces = [
            "/v2/", "/", "a", "..", "%", "%41", "%ff", "?", "blobs", "uploads", "manifests", "tags", "list", ":",
        ]
        for _ in 0..<5000 {
            let count = Int.random(in: 0...12, using: &generator)
            let target = (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
            if let route = try? RegistryRoute("/v2/" + target), let name = route.repository {
                #expect(ImageReference("a.b/\(name):x")?.path == name, "\(target)")
            }
        }
    }

    @Test(
        "ranges of a blob of ten bytes",
        arguments: [
            ("bytes=0-3", ByteRange.part(offset: 0, count: 4)), ("bytes=4-", .part(offset: 4, count: 6)),
            ("bytes=-3", .part(offset: 7, count: 3)), ("bytes=5-100", .part(offset: 5, count: 5)),
            ("bytes=10-", .unsatisfiable), ("bytes=-0", .unsatisfiable), ("bytes=3-1", .whole),
            ("bytes=0-1,4-5", .whole), ("bytes=x-1", .whole), ("lines=0-1", .whole), ("bytes=-", .whole),
            ("bytes=99999999999999999999-", .whole), ("bytes=+1-2", .whole),
        ])
    func ranges(text: String, expected: ByteRange) { #expect(ByteRange(text, size: 10) == expected, "\(text)") }

    @Test("pages follow each other to the end")
    func pages() throws {
        let all = ["a", "b/c", "d", "e"]
        let first = try Page(all, RegistryQuery("/x?n=2"), path: "/v2/_catalog")
        #expect(first.items == ["a", "b/c"] && first.link == "</v2/_catalog?last=b%2Fc&n=2>; rel=\"next\"")
        let second = try Page(all, RegistryQuery("/x?last=b%2Fc&n=2"), path: "/v2/_catalog")
        #expect(second.items == ["d", "e"] && second.link == nil)
        #expect(try Page(all, RegistryQuery("/x?n=0"), path: "/").items.isEmpty)
        #expect(throws: RegistryError.self) { try Page(all, RegistryQuery("/x?n=-1"), path: "/") }
        #expect(throws: RegistryError.self) { try Page(all, RegistryQuery("/x?n=many"), path: "/") }
    }

    @Test("repositories and names of images: there and back")
    func names() throws {
        let plain = RepositoryNames(own: nil)
        #expect(plain.reference("app", tag: "1")?.canonical == "docker.io/library/app:1")
        #expect(plain.reference("library/app", tag: "1")?.canonical == "docker.io/library/app:1")
        #expect(plain.reference("example.org/a/b", tag: "1")?.canonical == "example.org/a/b:1")
        for name in ["app", "team/app", "example.org/a/b", "localhost/x"] {
            let reference = try #require(plain.reference(name, tag: "1"))
            #expect(plain.repository(reference) == name)
        }
        // A colon cannot stand in a repository's name.
        #expect(plain.repository(try #require(ImageReference("lan:5000/app:1"))) == nil)
        let own = RepositoryNames(own: "lan:5000")
        #expect(own.reference("app", tag: "1")?.canonical == "lan:5000/app:1")
        #expect(own.repository(try #require(ImageReference("lan:5000/app:1"))) == "app")
        #expect(own.repository(try #require(ImageReference("app:1"))) == nil)
    }

    @Test("the file of users: bcrypt is believed, nothing else is")
    func passwords() async throws {
        // htpasswd -nbB -C 4 alice "secret word"
        let file = try PasswordFile("# users\nalice:\(RouteTests.hash)\n")
        func basic(_ text: String) -> String { "Basic " + Data(text.utf8).base64EncodedString() }
        #expect(await file.admits(basic("alice:secret word")))
        #expect(await file.admits(basic("alice:secret word")), "once more, remembered")
        #expect(await !file.admits(basic("alice:secret")))
        #expect(await !file.admits(basic("bob:secret word")))
        #expect(await !file.admits(basic("alice:secret word\0x")))
        #expect(await !file.admits(nil))
        #expect(await !file.admits("Bearer x"))
        #expect(throws: BerthError.self) { try PasswordFile("alice:$apr1$x$y\n") }
        #expect(throws: BerthError.self) { try PasswordFile("\n") }
    }
}
