// Expansion of words, row by row, and their splitting.
import Testing

@testable import BerthBuild

@Suite("Build: words")
struct WordTests {
    private let rules = WordExpansion(escape: "\\")

    private func value(_ name: String) -> String? { WordTable.values[name] }

    @Test("words expand as BuildKit expands them")
    func expansion() {
        #expect(WordTable.rows.count >= 230)
        for row in WordTable.rows {
            do {
                let text = try rules.word(row.word, value).text
                if text != row.text { Issue.record("\(row.word.debugDescription): \(text.debugDescription)") }
            } catch {
                if !row.text.hasPrefix("!") || !error.description.contains(row.text.dropFirst()) {
                    Issue.record("\(row.word.debugDescription): \(error)")
                }
            }
        }
    }

    @Test("with a backtick as the escape, a backslash is nothing special")
    func backtick() throws {
        let rules = WordExpansion(escape: "`")
        let rows = [
            ("`$HOST", "$HOST"), ("\\$HOST", "\\db.local"), ("c:\\dir", "c:\\dir"), ("a` b", "a b"), ("\"`\"\"", "\""),
            ("\"\\n\"", "\\n"), ("'`'", "`"), ("${NOBODY:-`}}", "}"), ("``", "`"), ("${STAR#a`*}", "a*b?c"),
        ]
        for (word, text) in rows { #expect(try rules.word(word, value).text == text, "\(word)") }
    }

    @Test("words split where they are neither quoted nor escaped, after expansion")
    func splitting() throws {
        let rows: [(String, [String])] = [
            ("", []), ("   ", []), ("a", ["a"]), (" a  b ", ["a", "b"]), ("a\tb\nc", ["a", "b", "c"]),
            ("'a b' c", ["a b", "c"]), ("\"a b\"c", ["a bc"]), ("a\\ b", ["a b"]), ("$LIST", ["one", "two", "three"]),
            ("\"$LIST\"", ["one two  three"]), ("<$LIST>", ["<one", "two", "three>"]), ("$EMPTY", []),
            ("a $EMPTY b", ["a", "b"]),
            ("''", []), ("a '' b", ["a", "b"]), ("\"$EMPTY\"", []), ("''x", ["x"]), ("${NOBODY:-a b}", ["a", "b"]),
            ("${NOBODY:-'a b'}", ["a", "b"]), ("\"${NOBODY:-a b}\"", ["a b"]), ("x${NOBODY:-a b}y", ["xa", "by"]),
            ("a\u{00A0}b", ["a", "b"]), ("a\u{3000}b", ["a", "b"]), ("\\ ", [" "]), ("' '", [" "]),
            ("80 $N1/udp", ["80", "7/udp"]),
            ("<< a", ["<< a"]), ("a <b", ["a", "<b"]), ("a\\", ["a"]),
        ]
        for (text, words) in rows {
            let found = try rules.words(text, value)
            #expect(found == words, "\(text.debugDescription)")
        }
        #expect(throws: WordError.self) { try rules.words("a 'b", value) }
    }

    @Test("quotes, escapes and unset names can be kept")
    func variants() throws {
        func text(_ word: String, _ change: (inout WordExpansion) -> Void) throws -> String {
            var rules = rules
            change(&rules)
            return try rules.word(word, value).text
        }
        #expect(try text("it's \"$HOST\"") { $0.keepsQuotes = true } == "it's \"db.local\"")
        #expect(try text("'$HOST' \\$HOST \\n") { $0.keepsQuotes = true } == "'db.local' $HOST n")
        #expect(try text("'$HOST' \"$HOST\"") { $0.writesQuotes = true } == "'$HOST' \"db.local\"")
        #expect(try text("a\\ b \"\\$\"") { $0.keepsEscapes = true } == "a\\ b \\$")
        for (word, kept) in [
            ("$X ${X} ${HOST}", "$X ${X} db.local"), ("${X:-a}", "${X:-a}"), ("${X-a$N1}", "${X-a7}"),
            ("${X:+a}", "${X:+a}"),
            ("${X?a}", "${X?a}"), ("${X#a}", "${X#a}"), ("${X##a}", "${X##a}"), ("${X/a/b}", "${X/a/b}"),
            ("${EMPTY:-a}", "a"),
        ] {
            #expect(try text(word) { $0.keepsUnset = true } == kept, "\(word)")
        }
        var heredoc = rules
        heredoc.writesQuotes = true
        #expect(try heredoc.words("RUN <<'A B' \"c d\"", value) == ["RUN", "<<'A B'", "\"c d\""])
    }

    @Test("what was asked for is known, with a value and without")
    func names() throws {
        let word = try rules.word("$HOST ${NOBODY:-$ALSO} \"$EMPTY\" '$QUIET' ${SLASH/$PART/x}", value)
        #expect(word.matched == ["HOST", "EMPTY", "SLASH"])
        #expect(word.unmatched == ["NOBODY", "ALSO", "PART"])
    }

    @Test("nothing is deep or large enough to be a danger", .timeLimit(.minutes(1)))
    func bounds() throws {
        let deep = String(repeating: "${A:-", count: 5_000) + String(repeating: "}", count: 5_000)
        #expect(throws: WordError.self) { try rules.word(deep, value) }
        let shallow = String(repeating: "${A:-", count: 150) + "x" + String(repeating: "}", count: 150)
        #expect(try rules.word(shallow, value).text == "x")
        let long = String(repeating: "ab", count: 100_000)
        for word in ["${L%%*b*a*b}", "${L//a*a*a*x/y}", "${L##*a*a*a*a*a*x}", "${L//a/b}", "${L//?b?b?c/x}"] {
            _ = try rules.word(word) { $0 == "L" ? long : nil }
        }
        #expect(throws: WordError.self) { try rules.word("${L//$L/x}") { $0 == "L" ? long : nil } }
        let doubled = String(repeating: "$L", count: 100)
        for word in [doubled, "\"\(doubled)\"", "${NOBODY:-\(doubled)}", String(repeating: "${L%a*b*c}", count: 100)] {
            #expect(throws: WordError.self) { try rules.word(word) { $0 == "L" ? long : nil } }
        }
    }
}
