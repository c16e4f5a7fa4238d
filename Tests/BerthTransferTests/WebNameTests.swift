// Names and times that servers of the web give.
import Testing

@testable import BerthTransfer

@Suite("Fetching: names and times")
struct WebNameTests {
    @Test(
        "one part of a path, never a way to anywhere",
        arguments: [
            ("/a/b.txt", nil, "b.txt"), ("/a/b.txt?x=/y/z", nil, "b.txt"), ("/", nil, "download"),
            ("", nil, "download"),
            ("/a/", nil, "a"), ("/a/..", nil, "download"), ("/a%2Fb%20c.txt", nil, "b c.txt"),
            ("/%2e%2e", nil, "download"), ("/a%00b", nil, "download"), ("/100%", nil, "100%"), ("/x%zz", nil, "x%zz"),
            ("/a", "attachment; filename=b.txt", "b.txt"), ("/a", "attachment; filename=\"b c.txt\"", "b c.txt"),
            ("/a", "inline", "a"), ("/a", "attachment; filename=\"../../etc/passwd\"", "passwd"),
            ("/a", "attachment; filename=..", "a"), ("/a", "attachment; filename=\"\"", "a"),
            ("/a", "attachment; filename=\"..\\\\..\\\\evil\"", "evil"), ("/a", "attachment; FileName=x; size=3", "x"),
            ("/a", "attachment; size=\"filename=no\"; filename=yes", "yes"),
            ("/a", "attachment; filename=\"never ends", "never ends"),
            ("/a", "attachment; filename=\"a\u{7}b\"", "a"), ("/a", ";;;=;", "a"),
            ("/" + String(repeating: "n", count: 300), nil, "download"),
        ] as [(String, String?, String)])
    func names(path: String, disposition: String?, name: String) {
        #expect(WebName.of(path: path, disposition: disposition) == name)
    }

    @Test(
        "times of HTTP",
        arguments: [
            ("Wed, 21 Oct 2015 07:28:00 GMT", 1_445_412_480), ("Thu, 01 Jan 1970 00:00:01 GMT", 1),
            ("Wed, 21 Oct 2015 07:28:00 CET", nil), ("2015-10-21T07:28:00Z", nil), ("", nil),
            ("Wed, 1 Oct 2015 07:28:00 GMT", nil), ("Wed, 21 Okt 2015 07:28:00 GMT", nil),
        ] as [(String, Int64?)])
    func times(text: String, seconds: Int64?) { #expect(WebName.time(text) == seconds) }
}
