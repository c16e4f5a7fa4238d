// Image names: what Docker's grammar admits, how it is stored, how it is shown.
import BerthModel
import Testing

@Suite("Image references")
struct ImageReferenceTests {
    static let hex = String(repeating: "0a", count: 32)

    @Test(
        "canonical and familiar",
        arguments: [
            ("redis", "docker.io/library/redis:latest", "redis:latest"),
            ("redis:7", "docker.io/library/redis:7", "redis:7"),
            ("docker.io/redis", "docker.io/library/redis:latest", "redis:latest"),
            ("index.docker.io/library/redis", "docker.io/library/redis:latest", "redis:latest"),
            ("library/redis", "docker.io/library/redis:latest", "redis:latest"),
            ("me/app:v1.0-rc_2", "docker.io/me/app:v1.0-rc_2", "me/app:v1.0-rc_2"),
            ("a/b/c", "docker.io/a/b/c:latest", "a/b/c:latest"),
            ("localhost/app", "localhost/app:latest", "localhost/app:latest"),
            ("localhost:5000/app", "localhost:5000/app:latest", "localhost:5000/app:latest"),
            ("registry.example.com/team/app:1", "registry.example.com/team/app:1", "registry.example.com/team/app:1"),
            ("127.0.0.1:5000/a", "127.0.0.1:5000/a:latest", "127.0.0.1:5000/a:latest"),
            ("[::1]:5000/a", "[::1]:5000/a:latest", "[::1]:5000/a:latest"),
            ("Registry/a", "Registry/a:latest", "Registry/a:latest"),
            ("ghcr.io/a/b_c__d---e.f", "ghcr.io/a/b_c__d---e.f:latest", "ghcr.io/a/b_c__d---e.f:latest"),
            ("x@sha256:\(hex)", "docker.io/library/x@sha256:\(hex)", "x@sha256:\(hex)"),
            ("x:1@sha256:\(hex)", "docker.io/library/x:1@sha256:\(hex)", "x:1@sha256:\(hex)"),
            ("x:_tag", "docker.io/library/x:_tag", "x:_tag"),
        ])
    func forms(text: String, canonical: String, familiar: String) throws {
        let reference = try #require(ImageReference(text))
        #expect(reference.canonical == canonical)
        #expect(reference.familiar == familiar)
        #expect(ImageReference(reference.canonical) == reference)
        #expect(ImageReference(reference.familiar) == reference)
    }

    @Test(
        "refused",
        arguments: [
            "", " ", "Redis", "redis:", ":7", "redis:-x", "redis:.x", "redis:a b", "redis/", "/redis", "a//b", "a/./b",
            "a/../b",
            "../x", "-a", "a-", "a._b", "a___b", "a..b", "_a", "a_", "docker.io/", "docker.io//a", "x.y:port/a",
            "x.y:/a",
            "-x.y/a", "x..y/a", ".x/a", "x@", "x@sha256:", "x@sha256:../../etc", "x@md5:\(hex)", "x@sha256:\(hex)0",
            "x@sha256:\(hex.uppercased())", "é", "a\u{0}b", "a\nb", "[]/a", "[::1/a", "https://x/y", "a:b:c",
            "a@b@sha256:\(hex)",
            "redis:\(String(repeating: "t", count: 129))", String(repeating: "a", count: 256),
        ])
    func refused(text: String) {
        #expect(ImageReference(text) == nil)
    }
}
