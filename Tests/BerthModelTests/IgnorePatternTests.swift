// `.dockerignore`: Docker's rules, case by case.
import BerthModel
import Testing

@Suite("Ignore patterns")
struct IgnorePatternTests {
    @Test(
        "what a pattern ignores and what not",
        arguments: [
            ("a", ["a", "a/b", "a/b/c"], ["b/a", "ab"]), ("*.md", ["x.md"], ["d/x.md", "x.mdx"]),
            ("**/*.md", ["x.md", "d/x.md", "d/e/x.md"], ["x.txt"]), ("/lead", ["lead"], ["x/lead"]),
            ("dir/", ["dir", "dir/x"], ["x/dir"]), ("a/**/z", ["a/z", "a/b/z", "a/b/c/z"], ["a", "z"]),
            ("file?", ["file1"], ["file", "file12"]), ("[a-c]x", ["ax", "cx"], ["dx"]), ("[^a]x", ["bx"], ["ax"]),
            ("\\*", ["*"], ["x"]), ("../up", ["up"], ["x"]), ("./here", ["here"], []), ("**", ["a", "a/b"], []),
            ("", [], ["a"]), (".", [], ["a"]),
        ])
    func single(pattern: String, ignored: [String], kept: [String]) {
        let patterns = IgnorePatterns([pattern])
        #expect(ignored.allSatisfy(patterns.matches), "\(pattern)")
        #expect(!kept.contains(where: patterns.matches), "\(pattern)")
    }

    @Test("the last match decides, ! lets back in, comments and blanks say nothing")
    func order() {
        let patterns = IgnorePatterns(text: "\u{FEFF}# all\n*\n!src\n  src/*.log  \n!src/keep.log\n\n")
        #expect(patterns.matches("README"))
        #expect(!patterns.matches("src/a.c") && patterns.matches("src/x.log") && !patterns.matches("src/keep.log"))
    }
}
