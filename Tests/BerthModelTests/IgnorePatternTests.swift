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
            ("\\*", ["*"], ["x"]), ("../up", [], ["up", "x"]), ("/../up", ["up"], ["x"]), ("./here", ["here"], []),
            ("**", ["a", "a/b"], []),
            ("", [], ["a"]), (".", [], ["a"]), ("/", [], ["a"]), ("a/..", [], ["a"]), ("a/../b", ["b"], ["a"]),
            ("a/**", ["a/b", "a/b/c"], ["a", "b/a/c"]), ("**/", ["a", "a/b"], []), ("*/**", ["a/b", "a/b/c"], ["a"]),
            ("**/x", ["x", "a/x", "a/b/x", "x/y"], ["ax", "a/bx", "x1"]), ("**x", ["x", "ax", "a/bx"], ["xa"]),
            ("**x*", ["x", "xa", "a/xb"], ["ax", "a/bx"]), ("a**", ["a", "ab", "ab/c", "a/b"], ["ba"]),
            ("a**b", ["ab", "ax/b", "a/b"], ["axb"]), ("a/**/b/**", ["a/b/c", "a/x/b/c"], ["a/b", "a/x/b"]),
            ("**/**", ["a", "a/b"], []), ("**/*", ["a", "a/b"], []), ("*", ["a", "a/b", ".x"], []),
            ("**/a/b", ["a/b", "x/a/b", "a/b/c"], ["a/x/b", "b"]), ("a*b", ["ab", "axb"], ["a/b", "abc"]),
            ("[a-z]", ["b", "b/x"], ["B", "bb"]), ("[^a-z]", ["B", "1"], ["b", "/"]), ("[[]x", ["[x"], ["x"]),
            ("a\\b", ["ab"], ["a\\b"]), ("[\\]]", ["]"], ["x"]), ("a?c", ["abc", "a\u{E9}c"], ["a/c", "ac"]),
            ("a.b", ["a.b"], ["axb"]), ("a+(b)|{c}$^", ["a+(b)|{c}$^"], ["aab"]), ("x/*/", ["x/y"], ["x"]),
            ("a//b", ["a/b"], []), ("\u{E9}*", ["\u{E9}a"], ["e"]),
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

    @Test(
        "exceptions: the last line that matches decides, for parents too",
        arguments: [
            (["a", "!a/b"], ["a", "a/c"], ["a/b", "a/b/x"]), (["!a/b", "a"], ["a/b"], []),
            (["*", "!a", "a/b"], ["x", "a/b/c"], ["a", "a/c"]),
            (["**/*.md", "!**/R*.md"], ["x/a.md"], ["x/R.md", "R.md"]),
            (["*", "!*/x/**"], ["a", "a/x", "b/y"], ["a/x/y", "b/x/z"]), (["a", "!  a"], [], ["a"]),
            (["a*", "!ab", "abc"], ["a", "abc"], ["ab"]), (["a", "!a/b", "a"], ["a/b"], []),
            (["secret", "# secret", "!other"], ["secret"], ["other"]),
        ])
    func exceptions(lines: [String], ignored: [String], kept: [String]) {
        let patterns = IgnorePatterns(lines)
        for path in ignored { #expect(patterns.matches(path), "\(path)") }
        for path in kept { #expect(!patterns.matches(path), "\(path)") }
    }

    @Test("lines end in line feeds only, comments begin at the margin")
    func lines() {
        let patterns = IgnorePatterns(text: "a\r\n  # b\r\n#c\n\td\u{A0}\n")
        #expect(patterns.matches("a") && patterns.matches("# b") && patterns.matches("d"))
        #expect(!patterns.matches("b") && !patterns.matches("c") && !patterns.matches("#c"))
    }

    @Test(
        "a malformed pattern is told, and matches nothing", arguments: ["[a", "!", "a\\", "[]a]", "[-x]", "x/[^", "! "])
    func malformed(pattern: String) {
        let patterns = IgnorePatterns(["good", pattern])
        #expect(patterns.malformed == pattern && patterns.matches("good") && !patterns.matches("a"))
        #expect(IgnorePatterns(["good", "[ab]"]).malformed == nil)
    }

    @Test(
        "a walk goes where an exception could match, and nowhere else",
        arguments: [
            ("!a/b/c", ["a", "a/b"], ["a/b/c", "x", "a/x"]), ("!a/*/c", ["a", "a/x"], ["x", "a/x/c"]),
            ("!**/c", ["a", "a/b", "c"], []), ("!a/**", ["a", "a/b", "a/b/c"], ["b"]),
            ("!a*/c", ["a", "ab"], ["b", "a/b"]),
            ("a/b", [], ["a"]), ("![ab]/c", ["a", "b"], ["c"]), ("!x/**/y/z", ["x", "x/q", "x/y"], ["q"]),
        ])
    func below(pattern: String, walked: [String], skipped: [String]) {
        let patterns = IgnorePatterns(["*", pattern])
        for path in walked { #expect(patterns.mayMatchBelow(path), "\(path)") }
        for path in skipped { #expect(!patterns.mayMatchBelow(path), "\(path)") }
    }
}
